/**
 * The part of a node's RPC contract that compiles, runs and shows modules. Schemas only.
 */
import { ContentId, ContentIdMalformed } from "@continuum/core/ContentId"
import { ContentCorrupt, ContentNotStored, ContentUnknown } from "@continuum/core/ContentStore"
import { ActorError } from "@continuum/actors/ActorError"
import { RemoteError } from "@continuum/actors/RemoteError"
import { Schema, SchemaTransformation } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { CompileError, RunError } from "./JitError.ts"

/** Bytes that JSON cannot take for a text: by itself a `Uint8Array` would arrive as its base64, a source like any other. */
const Binary = Schema.Struct({ base64: Schema.Uint8ArrayFromBase64 }).pipe(
  Schema.decodeTo(
    Schema.Uint8Array,
    SchemaTransformation.transform({ decode: ({ base64 }) => base64, encode: (bytes) => ({ base64: bytes }) })
  )
)

/** Source to compile: text for `js` and `wat`, the binary for `wasm`. */
export const Source = Schema.Struct({
  lang: Schema.String,
  source: Schema.Union([Schema.String, Binary])
})
export type Source = typeof Source.Type

/** Why a module runs on the tier it runs on. */
export const CompileReport = Schema.Struct({
  /** `wasm`: compiled ahead of time. `quickjs`: the source runs on QuickJS, itself WebAssembly. */
  tier: Schema.Literals(["wasm", "quickjs"]),
  abi: Schema.Literals(["scalar1", "raw1"]),
  /** Such as `(f64) => f64`. */
  signature: Schema.String,
  /** Inputs on which the compiled module answered as the reference did. */
  tested: Schema.Int,
  /** Why the faster tier was not taken. Absent on tier `wasm`. */
  reason: Schema.optionalKey(Schema.String)
})
export type CompileReport = typeof CompileReport.Type

export const Compiled = Schema.Struct({
  contentId: ContentId,
  bytes: Schema.Int,
  lang: Schema.String,
  /** Name of the node that compiled it. */
  compiledBy: Schema.String,
  ms: Schema.Number,
  report: CompileReport
})
export type Compiled = typeof Compiled.Type

export const RunResult = Schema.Struct({
  /** Plain data; a number that JSON lacks (NaN, Infinity) comes as its name in a string. */
  output: Schema.Unknown,
  contentId: ContentId,
  /** Name of the node that ran it, and its public key. */
  node: Schema.String,
  nodeKey: Schema.String,
  /** WebAssembly instructions executed, by the metering rule of docs/PROTOCOL.md. */
  fuel: Schema.Number,
  ms: Schema.Number,
  /** How the node that ran it came by the module: had it, brought it from a peer, or compiled it for this call. */
  cache: Schema.Literals(["hit", "fetched", "compiled"]),
  report: CompileReport
})
export type RunResult = typeof RunResult.Type

export const ModuleSummary = Schema.Struct({
  contentId: ContentId,
  address: Schema.String,
  name: Schema.String,
  version: Schema.String,
  variant: Schema.String,
  lang: Schema.String,
  bytes: Schema.Int,
  uses: Schema.Int,
  /** Mean fuel of a use; 0 before the first. */
  fuelMean: Schema.Number,
  failures: Schema.Int,
  /** How useful it has been, 0 and up; see docs/ARCHITECTURE.md. */
  utility: Schema.Number,
  /** Nodes known to hold it, this one included. */
  seeds: Schema.Int,
  state: Schema.Literals(["seeded", "dying"])
})
export type ModuleSummary = typeof ModuleSummary.Type

const storeErrors = [ContentIdMalformed, ContentUnknown, ContentCorrupt] as const
const named = {
  /** For `modules/list`; a name does not change what the module does. */
  name: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(Schema.String)
}
/** Limits of one run; absent ones take the node's defaults. */
const limits = {
  fuelMax: Schema.optionalKey(Schema.Number.check(Schema.isGreaterThan(0))),
  timeoutMs: Schema.optionalKey(Schema.Number.check(Schema.isGreaterThan(0)))
}

export class JitRpcs extends RpcGroup.make(
  Rpc.make("jit.compile", {
    payload: { ...Source.fields, ...named, sample: Schema.optionalKey(Schema.Unknown) },
    success: Compiled,
    error: Schema.Union([...CompileError.members, ...ActorError.members, ...storeErrors, ContentNotStored])
  }),
  Rpc.make("jit.run", {
    payload: {
      target: Schema.Union([
        Schema.Struct({ contentId: Schema.String }),
        Schema.Struct({ ...Source.fields, ...named })
      ]),
      input: Schema.Unknown,
      /** Where to run it: `local`, or a peer by name or public key. Default `local`. */
      mesh: Schema.optionalKey(Schema.String),
      ...limits
    },
    success: RunResult,
    error: Schema.Union([
      ...CompileError.members,
      ...RunError.members,
      ...ActorError.members,
      ...RemoteError.members,
      ...storeErrors,
      ContentNotStored
    ])
  }),
  Rpc.make("modules.list", { success: Schema.Array(ModuleSummary) }),
  Rpc.make("modules.export", {
    payload: { contentId: Schema.String },
    success: Schema.Uint8Array,
    error: Schema.Union(storeErrors)
  })
) {}
