/**
 * Every module is an actor, `continuum://local/module/<content id>`: asked to `run`, it answers with an output or a typed
 * error, one call after the other. Its durable state is what this node knows of the module's use.
 *
 * An answer waits until the count of its use is committed, so a node that is killed has counted every answer that left it
 * (a power cut may lose the last milliseconds; see docs/LIMITS.md). What the function is expected to do wrong (throw, run
 * out of fuel, refuse its input) is a reply. What breaks the module itself (a trap, a killed process) is a crash: it
 * shows in `actors/inspect`, and the supervisor lets the module wait longer and longer between crashes.
 */
import * as Actor from "@continuum/actors/Actor"
import type { ContentId } from "@continuum/core/ContentId"
import { ContentCorrupt, ContentUnknown } from "@continuum/core/ContentStore"
import { Clock, Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { FuelExhausted, InputMalformed, MemoryExceeded, NodeBusy, RunError, RunFailed } from "./JitError.ts"
import * as Limits from "./Limits.ts"
import { CompileReport } from "./rpc.ts"
import type { Usage } from "./Utility.ts"

/** Counters of one node. They only grow, so the counters of several nodes merge by taking the larger of each (a G-counter). */
export const Counters = Schema.Struct({
  uses: Schema.Int,
  failures: Schema.Int,
  /** Fuel of all uses. */
  fuelTotal: Schema.Number
})
export type Counters = typeof Counters.Type

export const State = Schema.Struct({
  /** Milliseconds since the epoch, of this node's clock. 0: nothing is known of this module yet. */
  createdMs: Schema.Number,
  lastUsedMs: Schema.Number,
  /** By the key of the node that counted. */
  counters: Schema.Record(Schema.String, Counters),
  lang: Schema.String,
  variant: Schema.String,
  /** Of the module file. */
  bytes: Schema.Int,
  name: Schema.String,
  version: Schema.String
})
export type State = typeof State.Type

const initial: State = {
  createdMs: 0,
  lastUsedMs: 0,
  counters: {},
  lang: "",
  variant: "",
  bytes: 0,
  name: "",
  version: ""
}

/** What is known of a module file when it arrives. */
export const Arrival = Schema.Struct({
  lang: Schema.String,
  /** Its signature. */
  variant: Schema.String,
  bytes: Schema.Int
})
export type Arrival = typeof Arrival.Type

export const Naming = Schema.Struct({
  name: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(Schema.String)
})

/** What a call can fail with: of the module, or of the copy of it that is stored here. */
export const CallError = Schema.Union([...RunError.members, ContentUnknown, ContentCorrupt])
export type CallError = typeof CallError.Type

/** What a call came to. Exactly one of `output` and `error` is there. */
export const Ran = Schema.Struct({
  fuel: Schema.Number,
  report: CompileReport,
  output: Schema.optionalKey(Schema.Unknown),
  error: Schema.optionalKey(CallError)
})
export type Ran = typeof Ran.Type

export class ModuleRpcs extends RpcGroup.make(
  /** Notes what the module is. */
  Rpc.make("arrived", { payload: Arrival.fields, success: State }),
  /** Gives it another name or version, for listings. */
  Rpc.make("named", { payload: Naming.fields, success: State }),
  Rpc.make("run", {
    payload: {
      input: Schema.Unknown,
      fuelMax: Schema.optionalKey(Schema.Number.check(Schema.isGreaterThanOrEqualTo(1))),
      timeoutMs: Schema.optionalKey(Schema.Number.check(Schema.isGreaterThan(0))),
      /** Under which a crash leaves its error for the caller. */
      call: Schema.optionalKey(Schema.Int)
    },
    success: Ran
  }),
  /** Counts a use that ended in a crash: the crash itself could not change the state. */
  Rpc.make("crashed", { payload: {}, success: Schema.Void }),
  Rpc.make("statistics", { success: State })
) {}

/** A call with its limits in force. */
export interface RunRequest {
  readonly contentId: ContentId
  readonly input: unknown
  readonly fuelMax: number
  readonly timeoutMs: number
}

/** What the actor needs of its node. */
export interface Options {
  /** Under which this node counts: its public key, since names are not unique. */
  readonly node: string
  /** Whether there is a module of this content id. */
  readonly accepts: (contentId: string) => Effect.Effect<boolean>
  /** Runs the module. `crashed`: the run broke the module's process or ended in a trap. */
  readonly run: (request: RunRequest) => Effect.Effect<Ran & { readonly crashed: boolean }>
  /** Gets the error of a run that is about to crash the actor. */
  readonly onCrash: (call: number, error: CallError) => void
}

/**
 * The actor type `module`. States of version 1 counted under the node's name, whatever it was called at the time; they were
 * never merged with those of others, so all that they counted is this node's own.
 */
export const make = (options: Options) =>
  Actor.fromRpcs(
    "module",
    ModuleRpcs,
    {
      state: { schema: State, initial },
      handlers: {
        arrived: (state, arrival) => Effect.map(Clock.currentTimeMillis, (nowMs) => arrived(state, arrival, nowMs)),
        named: (state, naming) => ({ ...state, ...naming }),
        run: (state, payload, { name }) =>
          Effect.gen(function* () {
            const { crashed, ...ran } = yield* options.run({
              contentId: name as ContentId,
              input: payload.input,
              fuelMax: Math.min(payload.fuelMax ?? Limits.fuelDefault, Limits.fuelMax),
              timeoutMs: Math.min(payload.timeoutMs ?? Limits.runTimeoutMs, Limits.runTimeoutMsMax)
            })
            if (crashed && ran.error !== undefined) {
              if (payload.call !== undefined) options.onCrash(payload.call, ran.error)
              return yield* Effect.die(ran.error)
            }
            const nowMs = yield* Clock.currentTimeMillis
            return Actor.reply(counted(state, options.node, ran, nowMs), ran)
          }),
        crashed: (state) =>
          Effect.map(Clock.currentTimeMillis, (nowMs) =>
            Actor.reply(counted(state, options.node, { fuel: 0, error: true }, nowMs), undefined)
          ),
        statistics: (state) => state
      }
    },
    {
      ack: "committed",
      version: 2,
      migrations: { 1: (old: State): State => ({ ...old, counters: { [options.node]: totals(old) } }) },
      accepts: options.accepts,
      askTimeout: Limits.runTimeoutMsMax + Limits.queueWaitMsMax,
      supervision: {
        // A module is never given up: it waits, and the rest of the node does not notice.
        intensity: Number.POSITIVE_INFINITY,
        backoffMin: "10 millis",
        backoffMax: "5 seconds"
      }
    }
  )

const arrived = (state: State, arrival: Arrival, nowMs: number): State => ({
  ...state,
  ...arrival,
  createdMs: state.createdMs === 0 ? nowMs : state.createdMs,
  lastUsedMs: state.createdMs === 0 ? nowMs : state.lastUsedMs
})

const counted = (
  state: State,
  node: string,
  ran: { readonly fuel: number; readonly error?: unknown },
  nowMs: number
): State => {
  // A process that is no node counts under its name, and may be called "constructor".
  const own = (Object.hasOwn(state.counters, node) ? state.counters[node] : undefined) ?? {
    uses: 0,
    failures: 0,
    fuelTotal: 0
  }
  const next = {
    uses: own.uses + 1,
    failures: own.failures + (ran.error === undefined ? 0 : 1),
    fuelTotal: own.fuelTotal + ran.fuel
  }
  return { ...state, lastUsedMs: nowMs, counters: { ...state.counters, [node]: next } }
}

/** The sum over all nodes. */
export const totals = (state: State): Counters =>
  Object.values(state.counters).reduce(
    (sum, one) => ({
      uses: sum.uses + one.uses,
      failures: sum.failures + one.failures,
      fuelTotal: sum.fuelTotal + one.fuelTotal
    }),
    { uses: 0, failures: 0, fuelTotal: 0 }
  )

export const usage = (state: State): Usage => ({ ...totals(state), lastUsedMs: state.lastUsedMs })

/** Errors that say something about the call or the function's own logic, not about the module's health. */
export const isExpected = (error: CallError, interpreted: boolean): boolean =>
  error instanceof FuelExhausted ||
  error instanceof InputMalformed ||
  error instanceof NodeBusy ||
  (interpreted && (error instanceof RunFailed || error instanceof MemoryExceeded))
