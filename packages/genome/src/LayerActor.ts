/**
 * Every layer is an actor, `continuum://local/layer/<content id>`: it brings its layer into the engine and out of it, and
 * its durable state is what this node knows of its use.
 *
 * Loading and unloading wait for each other, one message at a time; answers that go on with a layer end with it, and the
 * conversation goes on with what the next request names. A layer that is damaged is an expected failure and restarts
 * nothing.
 */
import * as Actor from "@continuum/actors/Actor"
import { ContentId } from "@continuum/core/ContentId"
import { Clock, Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Backend } from "./backend/Backend.ts"
import { BackendError } from "./backend/BackendError.ts"
import { LayerCache } from "./LayerCache.ts"
import { Temperature } from "./LayerState.ts"
import { LayerStore } from "./LayerStore.ts"

/** What is known of a layer's use. All numbers only grow. */
export const State = Schema.Struct({
  /** Answers that it took part in. */
  uses: Schema.Int,
  /** Of these, the ones that were not good. */
  failures: Schema.Int,
  /** Times it was told to load, and not those on demand. */
  loads: Schema.Int,
  /** Milliseconds since the epoch, of this node's clock; 0 is never. */
  lastUsedMs: Schema.Number
})
export type State = typeof State.Type

const initial: State = { uses: 0, failures: 0, loads: 0, lastUsedMs: 0 }

export const Statistics = Schema.Struct({ ...State.fields, state: Temperature })
export type Statistics = typeof Statistics.Type

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** What a layer's actor takes. */
export class LayerMessages extends RpcGroup.make(
  /** Makes it hot. */
  Rpc.make("load", { success: Statistics, error: BackendError }),
  /** Makes it warm again, or cold when `cold` is true. */
  Rpc.make("unload", {
    payload: { cold: Schema.optionalKey(Schema.Boolean) },
    success: Statistics,
    error: BackendError
  }),
  /** Counts answers that it took part in. `failures`: of these, the ones that were not good. */
  Rpc.make("used", { payload: { uses: count, failures: count }, success: State }),
  Rpc.make("statistics", { success: Statistics })
) {}

const temperature = Effect.fnUntraced(function* (contentId: ContentId) {
  const hot = yield* (yield* Backend).loaded
  if (hot.includes(contentId)) return "hot" as const
  return (yield* LayerCache).isWarm(contentId) ? ("warm" as const) : ("cold" as const)
})

const withStatistics = (state: State, name: string) =>
  Effect.map(temperature(name as ContentId), (now) => Actor.reply(state, { ...state, state: now }))

/** The actor type `layer`. `accepts`: whether this node has the layer. */
export const make = (accepts: (contentId: string) => Effect.Effect<boolean>) =>
  Actor.fromRpcs(
    "layer",
    LayerMessages,
    {
      state: { schema: State, initial },
      handlers: {
        load: (state, _, { name }) =>
          Effect.gen(function* () {
            const layer = yield* (yield* LayerCache).get(name as ContentId)
            yield* (yield* Backend).load(layer)
            return yield* withStatistics({ ...state, loads: state.loads + 1 }, name)
          }),
        unload: (state, { cold }, { name }) =>
          Effect.gen(function* () {
            yield* (yield* Backend).unload(name as ContentId)
            if (cold === true) (yield* LayerCache).evict(name as ContentId)
            return yield* withStatistics(state, name)
          }),
        used: (state, { failures, uses }) =>
          Effect.map(Clock.currentTimeMillis, (lastUsedMs) => ({
            ...state,
            uses: state.uses + uses,
            failures: state.failures + failures,
            lastUsedMs
          })),
        statistics: (state, _, { name }) => withStatistics(state, name)
      }
    },
    {
      ack: "committed",
      // After a turn: an actor whose name is refused while it is being activated answers that it is stopped.
      accepts: (contentId) => Effect.andThen(Effect.yieldNow, accepts(contentId))
    }
  )

/** Whether the store has a layer of this name. */
export const acceptsStored: Effect.Effect<(contentId: string) => Effect.Effect<boolean>, never, LayerStore> =
  Effect.map(
    LayerStore,
    (store) => (contentId: string) =>
      Schema.is(ContentId)(contentId) ? Effect.isSuccess(store.card(contentId)) : Effect.succeed(false)
  )
