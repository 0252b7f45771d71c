/**
 * A module is one file that describes itself: WebAssembly with a custom section `continuum`, the MessagePack of a
 * manifest, and optionally a section `continuum.source`, the UTF-8 of its source. A function that runs on QuickJS is the
 * same kind of file without code. The file is not metered: every node meters what it loads, and trusts no peer to have.
 *
 * What is read here has been checked: it fits the schema, the source has the id that the manifest states, and the
 * exports are those of the ABI that it claims.
 */
import * as Codec from "@continuum/core/Codec"
import * as ContentId from "@continuum/core/ContentId"
import { problemOf } from "@continuum/core/MessagePackStructure"
import { type Effect, Schema } from "effect"
import * as Raw1 from "./abi/Raw1.ts"
import type { Scalar } from "./abi/Scalar1.ts"
import { ModuleMalformed, ModuleRefused } from "./JitError.ts"
import { functionSourceBytesMax, manifestBytesMax } from "./Limits.ts"
import { attempt } from "./rewrite/Attempt.ts"
import type { ValueType } from "./rewrite/Opcode.ts"
import * as Module from "./rewrite/Module.ts"
import { Writer } from "./rewrite/Writer.ts"
import type { CompileReport } from "./rpc.ts"

const scalar = Schema.Literals(["f64", "f32", "i32", "i64", "bool"])

export const Manifest = Schema.Struct({
  /** Of this manifest. */
  format: Schema.Literal(1),
  /** `wasm`: the file holds code. `quickjs`: it holds a source for the QuickJS that ships with the node. */
  engine: Schema.Literals(["wasm", "quickjs"]),
  abi: Schema.Literals(["scalar1", "raw1"]),
  /** Language of the source. */
  lang: Schema.String,
  /** Of `scalar1`: the name of the exported function, and its types. */
  entry: Schema.optionalKey(Schema.String),
  params: Schema.optionalKey(Schema.Array(scalar)),
  result: Schema.optionalKey(scalar),
  /** For people, such as `(f64) => f64`. */
  signature: Schema.String,
  /** Content id of the source. */
  source: ContentId.ContentId,
  /** Name and version. */
  compiler: Schema.String,
  /** Inputs on which the compiled module answered as the reference did. */
  tested: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  /** Why the faster tier was not taken. */
  reason: Schema.optionalKey(Schema.String),
  /** For people; they do not change what the module does. */
  name: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(Schema.String)
})
export type Manifest = typeof Manifest.Type

/** How a module is called. */
export type Interface = Pick<Manifest, "abi" | "entry" | "params" | "result" | "signature">

/** What a module file holds besides code. */
export interface ModuleFile {
  readonly manifest: Manifest
  readonly source?: string
}

/** The name of the custom section that holds the manifest, and of the one that holds the source. */
export const manifestSection = "continuum"
export const sourceSection = "continuum.source"

const errors = [ModuleMalformed, ModuleRefused] as const
type Failure = ModuleMalformed | ModuleRefused

/** The module with this manifest, and source, instead of any that it had. Fails when the manifest does not fit it. */
export const attach = (
  module: Uint8Array,
  manifest: Manifest,
  source?: string
): Effect.Effect<Uint8Array<ArrayBuffer>, Failure> => attempt(errors, () => attachUnsafe(module, manifest, source))

/** The same, at once. Throws what `attach` fails with. */
export const attachUnsafe = (module: Uint8Array, manifest: Manifest, source?: string): Uint8Array<ArrayBuffer> => {
  const decoded = Module.decodeUnsafe(module)
  check(decoded, { manifest, ...(source === undefined ? {} : { source }) })
  const out = new Writer(module.length + 1024)
  let copied = 0
  for (const { name, bytes } of decoded.customs) {
    if (name !== manifestSection && name !== sourceSection) continue
    const start = bytes.byteOffset - module.byteOffset
    out.slice(module, copied, start)
    copied = start + bytes.length
  }
  out.slice(module, copied)
  const encoded = Codec.encode(Schema.encodeSync(Manifest)(manifest))
  if (encoded.length > manifestBytesMax) throw tooLarge("manifest", encoded.length, manifestBytesMax)
  writeCustom(out, manifestSection, encoded)
  if (source !== undefined) writeCustom(out, sourceSection, new TextEncoder().encode(source))
  return out.toBytes()
}

/** The file of a function that runs on QuickJS. Fails when the manifest does not fit the source. */
export const quickJs = (source: string, manifest: Manifest): Effect.Effect<Uint8Array<ArrayBuffer>, Failure> =>
  attempt(errors, () => quickJsUnsafe(source, manifest))

/** The same, at once. Throws what `quickJs` fails with. */
export const quickJsUnsafe = (source: string, manifest: Manifest): Uint8Array<ArrayBuffer> =>
  attachUnsafe(Module.magic, manifest, source)

/** The manifest, and source, of a module file. Fails when there is no manifest, or it does not fit the module. */
export const read = (file: Uint8Array): Effect.Effect<ModuleFile, Failure> => attempt(errors, () => readUnsafe(file))

/** The same, at once. Throws what `read` fails with. */
export const readUnsafe = (file: Uint8Array): ModuleFile => {
  const module = Module.decodeUnsafe(file)
  const content = (name: string, bytesMax: number): Uint8Array | undefined => {
    const found = module.customs.filter((one) => one.name === name)
    if (found.length > 1) throw malformed(`it has ${found.length} sections "${name}"`)
    const bytes = found[0]?.content
    if (bytes !== undefined && bytes.length > bytesMax) throw tooLarge(`section "${name}"`, bytes.length, bytesMax)
    return bytes
  }
  const encoded = content(manifestSection, manifestBytesMax)
  if (encoded === undefined) throw malformed(`it has no manifest (custom section "${manifestSection}")`)
  const manifest = decodeManifest(encoded)
  const text = content(sourceSection, functionSourceBytesMax)
  const moduleFile = text === undefined ? { manifest } : { manifest, source: decodeSource(text) }
  check(module, moduleFile)
  return moduleFile
}

/** How a module without manifest is to be called, as far as its exports tell. */
export const infer = (module: Uint8Array): Effect.Effect<Interface, Failure> =>
  attempt(errors, () => inferUnsafe(module))

/** The same, at once. Throws what `infer` fails with. */
export const inferUnsafe = (module: Uint8Array): Interface => {
  const decoded = Module.decodeUnsafe(module)
  if (isRaw1(decoded)) return { abi: "raw1", signature: "(any) => any" }
  const functions = decoded.exports.filter((one) => one.kind === "function")
  const entry = functions.length === 1 ? functions[0]! : functions.find((one) => one.name === Raw1.runExport)
  if (entry === undefined) {
    throw malformed(
      `it exports ${functions.length === 0 ? "no function" : `${functions.length} functions and none is named "run"`}. ` +
        'Export one function of numbers, or "memory", "alloc" and "run" (ABI raw1)'
    )
  }
  const { params, results } = Module.functionType(decoded, entry.index)
  const [result] = results
  if (params.every(isScalar) && results.length === 1 && isScalar(result!)) {
    return { abi: "scalar1", entry: entry.name, params, result, signature: `(${params.join(", ")}) => ${result}` }
  }
  throw malformed(
    `its function "${entry.name}" is (${params.join(", ")}) => (${results.join(", ")}): ` +
      "it must take numbers (i32, i64, f32, f64) and return one"
  )
}

/** What a person is told of how a module came to be. */
export const report = ({ engine, abi, signature, tested, reason }: Manifest): CompileReport => ({
  tier: engine,
  abi,
  signature,
  tested,
  ...(reason === undefined ? {} : { reason })
})

const check = (module: Module.Module, { manifest, source }: ModuleFile): void => {
  if (source !== undefined) {
    const length = new TextEncoder().encode(source).length
    if (length > functionSourceBytesMax) throw tooLarge("source", length, functionSourceBytesMax)
    if (ContentId.of(source) !== manifest.source) throw malformed("its source is not the one that its manifest names")
  }
  if (manifest.engine === "quickjs") {
    if (source === undefined) throw malformed("its manifest names QuickJS, and it holds no source")
    if (!isEmpty(module)) throw malformed("its manifest names QuickJS, and it holds WebAssembly code besides")
  } else if (manifest.abi === "raw1") {
    if (!isRaw1(module)) {
      throw malformed(
        'its manifest says ABI raw1, and it does not export "memory", "alloc" (i32) => i32 and "run" (i32, i32) => i64'
      )
    }
  } else if (!isScalar1(module, manifest)) {
    throw malformed(
      `its manifest says ABI scalar1, and it does not export a function "${manifest.entry ?? ""}" of these types: ` +
        `(${manifest.params?.join(", ") ?? ""}) => ${manifest.result ?? ""}`
    )
  }
}

const isEmpty = (module: Module.Module): boolean =>
  Object.values(Module.Section).every((id) => id === Module.Section.custom || module.section(id).atEnd())

const isRaw1 = (module: Module.Module): boolean =>
  module.exports.some(({ name, kind }) => name === Raw1.memoryExport && kind === "memory") &&
  hasType(module, Raw1.allocExport, ["i32"], "i32") &&
  hasType(module, Raw1.runExport, ["i32", "i32"], "i64")

const isScalar1 = (module: Module.Module, { entry, params, result }: Manifest): boolean =>
  entry !== undefined &&
  params !== undefined &&
  result !== undefined &&
  hasType(module, entry, params.map(inWasm), inWasm(result))

const inWasm = (type: Scalar): Scalar => (type === "bool" ? "i32" : type)

const hasType = (module: Module.Module, name: string, params: ReadonlyArray<string>, result: string): boolean => {
  const found = module.exports.find((one) => one.name === name && one.kind === "function")
  if (found === undefined) return false
  const type = Module.functionType(module, found.index)
  return type.params.join() === params.join() && type.results.join() === result
}

const isScalar = (type: ValueType): type is ValueType & Scalar =>
  type === "i32" || type === "i64" || type === "f32" || type === "f64"
const decodeSource = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw malformed("its source is not UTF-8")
  }
}

const decodeManifest = (bytes: Uint8Array): Manifest => {
  const fault = problemOf(bytes)
  if (fault !== undefined) throw malformed(`its manifest is not MessagePack: ${fault}`)
  try {
    return Schema.decodeUnknownSync(Manifest)(Codec.decodeUnsafe(bytes))
  } catch (error) {
    throw malformed(`its manifest does not fit: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const writeCustom = (out: Writer, name: string, content: Uint8Array): void => {
  const section = new Writer(content.length + 32)
  section.name(name)
  section.slice(content)
  out.u8(Module.Section.custom)
  out.u32(section.length)
  out.writer(section)
}

const malformed = (reason: string): ModuleMalformed => new ModuleMalformed({ reason })

const tooLarge = (what: string, bytes: number, bytesMax: number): ModuleRefused =>
  new ModuleRefused({ reason: `its ${what} has ${bytes} bytes, and ${bytesMax} are allowed` })
