/**
 * WebAssembly text to binary, by wabt (https://github.com/WebAssembly/wabt).
 *
 * Names of instructions from before version 1.0, such as `get_local`, are accepted. A module of exactly one function
 * that exports nothing gets it exported as `run`, since otherwise nobody could call it. The assembler is C++ with a
 * small stack, so nesting is limited before it sees the text; even so, give it texts of strangers in a child process.
 */
import { Effect } from "effect"
import { ModuleRefused, SourceMalformed } from "../JitError.ts"
import { functionSourceBytesMax, watNestingMax } from "../Limits.ts"
import * as Module from "../rewrite/Module.ts"
import * as Sections from "../rewrite/Sections.ts"
import { Writer } from "../rewrite/Writer.ts"

/** The binary of a WebAssembly text. */
export const assemble = (text: string): Effect.Effect<Uint8Array<ArrayBuffer>, SourceMalformed> =>
  Effect.tryPromise({
    try: () => assembleUnsafe(text),
    catch: (error) => {
      if (error instanceof SourceMalformed) return error
      throw error
    }
  })

/** The same as a Promise, which rejects with what `assemble` fails with. */
export const assembleUnsafe = async (text: string): Promise<Uint8Array<ArrayBuffer>> => {
  const bytes = new TextEncoder().encode(text).length
  if (bytes > functionSourceBytesMax) {
    throw malformed(text, 0, `it has ${bytes} bytes, and ${functionSourceBytesMax} are allowed`)
  }
  const modern = modernize(text)
  return exportOnlyFunction(runAssembler(await loadAssembler(), modern))
}

// Allowed features; `Feature.ts` has the reasons.
const features = {
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  multi_value: true,
  bulk_memory: true,
  reference_types: true,
  exceptions: false,
  threads: false,
  function_references: false,
  tail_call: false,
  annotations: false,
  gc: false,
  memory64: false,
  extended_const: false,
  relaxed_simd: false
}

type LoadAssembler = typeof import("wabt")
type Assembler = Awaited<ReturnType<LoadAssembler>>

let assembler: Promise<Assembler> | undefined
// It is CommonJS, whose exported function all runtimes give as the default; the declarations do not know of that.
const loadAssembler = (): Promise<Assembler> =>
  (assembler ??= import("wabt").then((wabt) => (wabt as unknown as { readonly default: LoadAssembler }).default()))

const runAssembler = (wabt: Assembler, text: string): Uint8Array => {
  let module: ReturnType<Assembler["parseWat"]> | undefined
  try {
    // As bytes: of a string it would take the low eight bits of each character.
    module = wabt.parseWat("text", new TextEncoder().encode(text), features)
    module.resolveNames()
    module.validate()
    return module.toBinary({ canonicalize_lebs: true }).buffer
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const found = /^text:(\d+):(\d+): error: (.*)$/m.exec(message)
    if (found === null) {
      // It broke instead of complaining, and its memory may be damaged: the next text gets a new one.
      assembler = undefined
      module = undefined
      throw malformed(text, 0, `the assembler failed: ${message.slice(0, 200)}`)
    }
    throw new SourceMalformed({
      lang: "wat",
      line: Number(found[1]),
      column: characterColumn(text, Number(found[1]), Number(found[2])),
      reason: found[3]!
    })
  } finally {
    module?.destroy()
  }
}

// wabt counts bytes; people count characters.
const characterColumn = (text: string, line: number, byteColumn: number): number => {
  const bytes = new TextEncoder().encode(text.split("\n")[line - 1] ?? "")
  return new TextDecoder().decode(bytes.subarray(0, byteColumn - 1)).length + 1
}

const malformed = (text: string, offset: number, reason: string): SourceMalformed => {
  const before = text.slice(0, offset).split("\n")
  return new SourceMalformed({ lang: "wat", line: before.length, column: before.at(-1)!.length + 1, reason })
}

/** Tokens of the text format: strings, comments, parentheses, words. What is left are spaces. */
const tokens = /"(?:[^"\\]|\\[^])*"?|;;[^\n]*|\(;|\(|\)|[^\s"();]+|;/g

/** The text with old names replaced by today's, each in the same place. Throws `SourceMalformed` for nesting. */
const modernize = (text: string): string => {
  let parentheses = 0
  let blocks = 0
  let before = ""
  let out = ""
  let copied = 0
  tokens.lastIndex = 0
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    const [word] = token
    if (word === "(;") {
      tokens.lastIndex = endOfComment(text, tokens.lastIndex)
      continue
    }
    if (word === "(") parentheses++
    else if (word === ")") parentheses = Math.max(0, parentheses - 1)
    else if (word === "end") blocks = Math.max(0, blocks - 1)
    else if (before !== "(" && (word === "block" || word === "loop" || word === "if")) blocks++
    if (parentheses + blocks > watNestingMax) {
      throw malformed(text, token.index, `it is nested deeper than ${watNestingMax}`)
    }
    before = word
    const today = todaysName(word)
    if (today === undefined) continue
    out += text.slice(copied, token.index) + today
    copied = tokens.lastIndex
  }
  return out + text.slice(copied)
}

// Comments of this kind nest.
const endOfComment = (text: string, start: number): number => {
  const marks = /\(;|;\)/g
  marks.lastIndex = start
  for (let depth = 1; depth > 0;) {
    const mark = marks.exec(text)
    if (mark === null) return text.length
    depth += mark[0] === "(;" ? 1 : -1
  }
  return marks.lastIndex
}

// All as long as the old ones, so that lines and columns stay as the author sees them.
const renamed: Readonly<Record<string, string>> = {
  get_local: "local.get",
  set_local: "local.set",
  tee_local: "local.tee",
  get_global: "global.get",
  set_global: "global.set",
  grow_memory: "memory.grow",
  current_memory: "memory.size   ",
  anyfunc: "funcref"
}

// `i32.trunc_s:sat/f64`, `f32.convert_u/i64`, `i64.extend_s/i32`; `i32.wrap/i64`, `f64.reinterpret/i64`.
const signedConversion = /^([if](?:32|64))\.(trunc|convert|extend)_([su])(:sat)?\/([if](?:32|64))$/
const plainConversion = /^([if](?:32|64))\.(wrap|demote|promote|reinterpret)\/([if](?:32|64))$/

const todaysName = (word: string): string | undefined => {
  if (Object.hasOwn(renamed, word)) return renamed[word]
  if (!word.includes("/")) return undefined
  const signed = signedConversion.exec(word)
  if (signed !== null) {
    const [, to, operation, sign, saturating, from] = signed
    return `${to}.${operation}${saturating === undefined ? "" : "_sat"}_${from}_${sign}`
  }
  return plainConversion.test(word) ? word.replace("/", "_") : undefined
}

const exportOnlyFunction = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const module = decode(bytes)
  if (module === undefined || module.functions.length !== 1 || module.exports.length > 0) return bytes.slice()
  if (module.imported.function === 1) return bytes.slice()
  const content = new Writer(16)
  content.u32(1)
  content.name("run")
  content.u8(Module.kindByte("function"))
  content.u32(0)
  return Sections.withSection(bytes, Module.Section.export, content.view())
}

// What the policy refuses is for the rewriter to say.
const decode = (bytes: Uint8Array): Module.Module | undefined => {
  try {
    return Module.decodeUnsafe(bytes)
  } catch (error) {
    if (error instanceof ModuleRefused) return undefined
    throw error
  }
}
