/**
 * A file that a person names on the command line to be written. A path that cannot be one is wrong usage; what the system
 * refuses otherwise (rights, a full disk) is `FileNotWritten`.
 */
import { Effect, FileSystem, type PlatformError } from "effect"
import { dirname } from "node:path"
import { FileNotWritten, UsageWrong } from "./CliError.ts"
import { Environment } from "./NodeTarget.ts"

/** The file of a flag `--out`, before anything is asked of a node. Fails with `UsageWrong` where it has no name. */
export const checkName = (command: string, flag: string, file: string): Effect.Effect<void, UsageWrong> =>
  file.trim() === ""
    ? Effect.fail(new UsageWrong({ command, reason: `${flag} needs the name of a file, such as ${flag} module.wasm` }))
    : Effect.void

/** Writes it whole, over what was there. */
export const write = Effect.fnUntraced(function* (command: string, flag: string, file: string, bytes: Uint8Array) {
  const { demand } = yield* Environment
  yield* demand([{ kind: "write", what: [file] }])
  const fs = yield* FileSystem.FileSystem
  yield* Effect.mapError(fs.writeFile(file, bytes), (error) => {
    const code = codeOf(error)
    const wrong = wrongPath(file)[code]
    return wrong === undefined
      ? new FileNotWritten({ file, reason: refusals[code] ?? (code || error.message) })
      : new UsageWrong({ command, reason: `${flag} cannot be "${file}": ${wrong}` })
  })
})

const wrongPath = (file: string): Readonly<Record<string, string>> => ({
  ENOENT: `there is no folder "${dirname(file)}". Make it first, or name a file in one that exists`,
  EISDIR: "it is a folder. Name a file in it",
  ENOTDIR: `"${dirname(file)}" is no folder. Name a file in one that exists`,
  ENAMETOOLONG: "it is too long for the name of a file"
})

const refusals: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota of this user is used up"
}

/** Such as `ENOENT`; Deno leaves it out of errors that it has names of its own for. */
const codeOf = ({ reason }: PlatformError.PlatformError): string => {
  const { code } = (reason.cause ?? {}) as { readonly code?: unknown }
  return typeof code === "string" ? code : (codes[reason._tag] ?? "")
}

const codes: Readonly<Record<string, string>> = {
  NotFound: "ENOENT",
  PermissionDenied: "EACCES",
  BadResource: "EISDIR"
}
