/**
 * What a sandbox child can be asked, and its answers. The node's side is `Sandbox.ts`; this side runs in the child.
 *
 * Values cross as `ValueText`, errors as the fields of their schemas. A fault that is no one's fault is answered, too:
 * a child that still answers is a child that need not be replaced.
 */
import * as ContentId from "@continuum/core/ContentId"
import { Schema } from "effect"
import * as Compiler from "../compile/Compiler.ts"
import * as QuickJs from "../compile/QuickJs.ts"
import * as Source from "../compile/Source.ts"
import * as MeteredInstance from "../abi/MeteredInstance.ts"
import type { ValueType } from "../compile/ValueType.ts"
import {
  CompileError,
  FuelExhausted,
  InputMalformed,
  LanguageUnavailable,
  ModuleMalformed,
  RunError
} from "../JitError.ts"
import { childModulesMax, outputCharactersMax } from "../Limits.ts"
import * as Manifest from "../Manifest.ts"
import * as Rewrite from "../rewrite/Rewrite.ts"
import { covers, execute, type Outcome } from "./Execute.ts"
import * as ValueText from "./ValueText.ts"

/** A module as a node keeps it in memory: checked and rewritten. */
export interface Loaded {
  readonly manifest: Manifest.Manifest
  /** The rewritten binary; absent for a function that only QuickJS runs. */
  readonly code: Uint8Array<ArrayBuffer> | undefined
  /** JavaScript that QuickJS runs: all of the function, or where its compiled form does not cover an input. */
  readonly source: string | undefined
  /** Whether it has a memory. */
  readonly memory: boolean
  /** Entries that its tables can have together. */
  readonly tableEntriesMax: number
}

export type Request =
  /** Always the first: QuickJS as an image, or its binary, and then the answer is the image that was made of it. */
  | { readonly op: "hello"; readonly quickJs: QuickJs.Image | Uint8Array }
  | { readonly op: "compile"; readonly lang: string; readonly source: string | Uint8Array; readonly input?: ValueType }
  /** Whether a file that another node compiled means what its source means. */
  | {
      readonly op: "verify"
      readonly lang: string
      readonly source: string | Uint8Array
      readonly input?: ValueType
      readonly file: Uint8Array
    }
  /** Reads, checks and rewrites a module file. */
  | { readonly op: "load"; readonly file: Uint8Array }
  | RunRequest

export interface RunRequest {
  readonly op: "run"
  /** Under which the child remembers the module. */
  readonly key: string
  /** Left out when the child may still have it; it answers `missing` when it has not. */
  readonly module?: Loaded
  readonly input: string
  readonly fuelMax: number
  /** Go to QuickJS at once: the compiled form was tried elsewhere and does not cover the input. */
  readonly interpret: boolean
}

/** A run as the child tells it. */
export interface RunReply {
  readonly fuel: number
  /** `ValueText` of the output, or else the error. */
  readonly output?: string
  readonly error?: unknown
  /** Whether QuickJS ran it. */
  readonly interpreted: boolean
}

export type Reply =
  | { readonly ok: unknown }
  /** A tagged error of `JitError`, as plain data. */
  | { readonly error: unknown }
  /** The child itself went wrong. */
  | { readonly fault: string }
  | { readonly missing: true }

let quickJs: QuickJs.QuickJs | undefined
const modules = new Map<string, Prepared>()

/** A module that is ready to run here. */
interface Prepared {
  readonly loaded: Loaded
  readonly module: WebAssembly.Module | undefined
  readonly parsed: Source.Parsed | undefined
}

/** Answers one request. Never rejects. */
export const answer = async (request: Request): Promise<Reply> => {
  try {
    switch (request.op) {
      case "hello":
        return { ok: await hello(request.quickJs) }
      case "compile":
        return { ok: await compile(request.lang, request) }
      case "verify":
        return { ok: await verify(request) }
      case "load":
        return { ok: load(request.file) }
      case "run":
        return run(request)
    }
  } catch (error) {
    if (isError(error)) return { error: encodeError(error) }
    return { fault: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
}

const anyError = Schema.Union([...CompileError.members, ...RunError.members])
const isError = Schema.is(anyError)
const encodeError = Schema.encodeUnknownSync(anyError)

/** Gets the compilers ready, in the background: a request for one waits as long as it must. */
export const preload = (): void => {
  for (const lang of Compiler.languages) void Compiler.load(lang)
}

const hello = async (given: QuickJs.Image | Uint8Array): Promise<QuickJs.Image | undefined> => {
  const made = given instanceof Uint8Array ? await QuickJs.prepare(given) : undefined
  quickJs = await QuickJs.start(made ?? (given as QuickJs.Image))
  return made
}

const compile = async (lang: string, request: { readonly source: string | Uint8Array; readonly input?: ValueType }) => {
  const compiler = await Compiler.load(lang)
  if (compiler === undefined) throw new LanguageUnavailable({ lang, available: [...Compiler.languages] })
  return compiler.compile({ source: request.source, input: request.input }, quickJs!)
}

const verify = async ({ file, input, lang, source }: Extract<Request, { readonly op: "verify" }>): Promise<null> => {
  const { manifest } = Manifest.readUnsafe(file)
  if (manifest.lang !== lang || manifest.source !== ContentId.of(source)) {
    throw new ModuleMalformed({ reason: `it says that it was compiled of another source than this ${lang}` })
  }
  // Without a second compiler nothing more can be said of the other languages; policy and fuel hold for all.
  if (lang === "js") (await import("../compile/JavaScript.ts")).verify(file, String(source), input, quickJs!)
  return null
}

const load = (file: Uint8Array): Loaded => {
  const { manifest, source } = Manifest.readUnsafe(file)
  if (manifest.engine === "quickjs") return { manifest, code: undefined, source, memory: false, tableEntriesMax: 0 }
  const { bytes, info } = Rewrite.rewriteUnsafe(file)
  // The engine has the last word on whether it is valid, and takes its time for it here and not in the node.
  MeteredInstance.compileUnsafe(bytes)
  return { manifest, code: bytes, source, memory: info.memory !== undefined, tableEntriesMax: info.tableEntriesMax }
}

const run = (request: RunRequest): Reply => {
  const prepared = prepare(request)
  if (prepared === undefined) return { missing: true }
  const { outcome, interpreted } = runPrepared(prepared, request)
  const reply: RunReply = {
    fuel: outcome.fuel,
    ...("output" in outcome ? { output: ValueText.encode(outcome.output) } : { error: encodeError(outcome.error) }),
    interpreted
  }
  return { ok: reply }
}

/** The module from this request or an earlier one, as the most recently used. */
const prepare = ({ key, module: loaded }: RunRequest): Prepared | undefined => {
  const known = modules.get(key)
  modules.delete(key)
  const prepared =
    loaded === undefined
      ? known
      : {
          loaded,
          module: loaded.code && MeteredInstance.compileUnsafe(loaded.code),
          parsed: loaded.source === undefined ? undefined : Source.parseUnsafe(loaded.source)
        }
  if (prepared === undefined) return undefined
  modules.set(key, prepared)
  if (modules.size > childModulesMax) modules.delete(modules.keys().next().value!)
  return prepared
}

const runPrepared = ({ loaded, module, parsed }: Prepared, request: RunRequest) => {
  const input = ValueText.decode(request.input)
  if (module !== undefined && !request.interpret && (parsed === undefined || covers(loaded.manifest, input))) {
    const outcome = execute(module, loaded.manifest, input, request.fuelMax)
    if (!isUncovered(outcome) || parsed === undefined) return { outcome, interpreted: false }
  }
  if (parsed === undefined) throw new ModuleMalformed({ reason: "it has neither code nor source" })
  return { outcome: interpret(parsed, input, request.fuelMax), interpreted: true }
}

/** Whether a compiled JavaScript function gave up, which is not its answer: it says so by a trap. */
export const isUncovered = (outcome: Outcome): boolean =>
  "error" in outcome && !(outcome.error instanceof FuelExhausted)

const interpret = (parsed: Source.Parsed, input: unknown, fuelMax: number): Outcome => {
  const { min, max } = parsed.parameters
  const spread = min !== 1 || max !== 1
  if (spread && max > 0) {
    const count = Array.isArray(input) ? input.length : -1
    if (count < min || count > max) {
      const values = max === min ? `${min}` : max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `${min} to ${max}`
      const error = new InputMalformed({
        reason: `it takes ${values} values, so the input must be an array of ${values}`
      })
      return { fuel: 0, error }
    }
  }
  return quickJs!.run({ script: parsed.script, input, spread: spread && max > 0, fuelMax, outputCharactersMax })
}
