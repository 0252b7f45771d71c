/**
 * The JIT of a node as other nodes reach it: `continuum://<realm>/jit/<content id>`, where the id is that of the module to
 * run or of the source to compile, so that different ones do not wait for each other.
 *
 * It does what its own node's clients get, with the same typed errors, and asks no further node: a request goes one hop.
 */
import * as Actor from "@continuum/actors/Actor"
import { ContentId, ContentIdMalformed } from "@continuum/core/ContentId"
import { ContentCorrupt, ContentNotStored, ContentUnknown } from "@continuum/core/ContentStore"
import { ActorError } from "@continuum/actors/ActorError"
import { Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { ValueType } from "./compile/ValueType.ts"
import { CompileError, RunError } from "./JitError.ts"
import * as Limits from "./Limits.ts"
import { Compiled, RunResult, Source } from "./rpc.ts"

const storeErrors = [ContentIdMalformed, ContentUnknown, ContentCorrupt] as const

/** Everything that a run over there can come to, besides its result. */
export const RunFailure = Schema.Union([...RunError.members, ...ActorError.members, ...storeErrors])
export type RunFailure = typeof RunFailure.Type

export const CompileFailure = Schema.Union([
  ...CompileError.members,
  ...ActorError.members,
  ...storeErrors,
  ContentNotStored
])
export type CompileFailure = typeof CompileFailure.Type

export const RunCall = Schema.Struct({
  contentId: ContentId,
  input: Schema.Unknown,
  fuelMax: Schema.optionalKey(Schema.Number.check(Schema.isGreaterThan(0))),
  timeoutMs: Schema.optionalKey(Schema.Number.check(Schema.isGreaterThan(0)))
})
export type RunCall = typeof RunCall.Type

export const CompileCall = Schema.Struct({
  ...Source.fields,
  /** The type of the inputs to come, for languages without types. */
  input: Schema.optionalKey(ValueType)
})
export type CompileCall = typeof CompileCall.Type

export class JitActorRpcs extends RpcGroup.make(
  Rpc.make("run", { payload: RunCall.fields, success: RunResult, error: RunFailure }),
  Rpc.make("compile", { payload: CompileCall.fields, success: Compiled, error: CompileFailure })
) {}

/** What the actor does its work with. */
export interface Options {
  readonly run: (call: RunCall) => Effect.Effect<RunResult, RunFailure>
  readonly compile: (call: CompileCall) => Effect.Effect<Compiled, CompileFailure>
}

export const make = ({ compile, run }: Options) =>
  Actor.fromRpcs(
    "jit",
    JitActorRpcs,
    {
      state: { schema: Schema.Null, initial: null },
      handlers: {
        run: (state, call) => Effect.map(run(call), (result) => Actor.reply(state, result)),
        compile: (state, call) => Effect.map(compile(call), (compiled) => Actor.reply(state, compiled))
      }
    },
    {
      durable: false,
      askTimeout: Math.max(Limits.runTimeoutMsMax, Limits.compileTimeoutMs) + Limits.queueWaitMsMax + 5_000
    }
  )
