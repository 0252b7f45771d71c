/**
 * What the CLI asks of Deno, and how it says what is missing. Everywhere else nothing is ever missing.
 *
 * On a terminal Deno's own question is asked, once for each kind. Without one (a script, a pipe, CI) the answer is a
 * text that names what is missing and the command that grants it. Imports nothing, so that it works without permission.
 */

/** One thing to be allowed to do. Without `what`, all of the kind. */
export interface Permission {
  readonly kind: "env" | "read" | "write" | "net"
  /** Names of variables; one path; or one host with its port. */
  readonly what?: ReadonlyArray<string>
}

/** The variables that the CLI reads. `NO_COLOR` is not among them: Deno tells it without a permission. */
export const environment: Permission = {
  kind: "env",
  what: ["CONTINUUM_NODE", "CONTINUUM_HOME", "CONTINUUM_API_KEY", "HOME"]
}

/** What any command could need. */
export const all: ReadonlyArray<Permission> = [environment, { kind: "read" }, { kind: "net" }]

interface Descriptor {
  readonly name: string
  readonly variable?: string
  readonly path?: string
  readonly host?: string
}
interface DenoApi {
  readonly permissions: {
    querySync(descriptor: Descriptor): { readonly state: string }
    requestSync(descriptor: Descriptor): { readonly state: string }
  }
  readonly stdin: { isTerminal(): boolean }
  readonly stderr: { isTerminal(): boolean }
  readonly noColor: boolean
}

const deno = (globalThis as { readonly Deno?: DenoApi }).Deno

/** Deno's reading of `NO_COLOR`, which needs no permission; `undefined` elsewhere. */
export const noColor: boolean | undefined = deno?.noColor

/** Those of the permissions that are not granted. Asks nobody. */
export const missing = (wanted: ReadonlyArray<Permission>): ReadonlyArray<Permission> =>
  wanted.filter((permission) => !descriptorsOf(permission).every((descriptor) => isGranted("querySync", descriptor)))

/** The same, after asking for them where a person can answer. */
export const request = (wanted: ReadonlyArray<Permission>): ReadonlyArray<Permission> => {
  const canAsk = deno !== undefined && deno.stdin.isTerminal() && deno.stderr.isTerminal()
  return missing(wanted).filter((permission) => {
    // One question for all variables, not one for each.
    const questions = permission.kind === "env" ? [{ name: "env" }] : descriptorsOf(permission)
    return !canAsk || !questions.every((descriptor) => isGranted("requestSync", descriptor))
  })
}

const isGranted = (how: "querySync" | "requestSync", descriptor: Descriptor): boolean =>
  deno === undefined || deno.permissions[how](descriptor).state === "granted"

/** Whether an error is Deno's refusal. */
export const isMissing = (error: unknown): boolean =>
  deno !== undefined && error instanceof Error && (error.name === "NotCapable" || error.name === "PermissionDenied")

/** What is missing, and the command that grants it. */
export const explain = (lacking: ReadonlyArray<Permission>, args: ReadonlyArray<string>): string => {
  const rows = lacking.map(({ kind, what }) => `  ${kind.padEnd(5)}  ${what?.join(", ") ?? "any"}`)
  return [
    "The CLI lacks permissions of Deno:",
    ...rows,
    "Grant them with:",
    `  ${command(lacking, args)}`,
    "or run ./jtag, which grants what is needed."
  ].join("\n")
}

/** The same invocation with all that the CLI needs: what is missing, and what it may have got already. */
export const command = (lacking: ReadonlyArray<Permission>, args: ReadonlyArray<string>): string => {
  const flags = [...lacking, ...all.filter(({ kind }) => !lacking.some((other) => other.kind === kind))].map(
    ({ kind, what }) =>
      `--allow-${kind}${what === undefined ? "" : `=${what.map((text) => text.replaceAll(",", ",,")).join(",")}`}`
  )
  return ["deno", "run", ...flags, "apps/cli", ...args].map(quote).join(" ")
}

const descriptorsOf = ({ kind, what }: Permission): ReadonlyArray<Descriptor> => {
  if (what === undefined) return [{ name: kind }]
  const key = kind === "env" ? "variable" : kind === "net" ? "host" : "path"
  return what.map((text) => ({ name: kind, [key]: text }))
}

/** As a POSIX shell reads it. */
const quote = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)
