/**
 * Stored states in memory: for tests, and for systems that want the rules of durable actors without a disk.
 */
import { Clock, Effect, Layer } from "effect"
import { ActorStorage, type Quarantined, RecordQuarantined } from "./ActorStorage.ts"

/** A storage of its own for each system that it is provided to. */
export const layer: Layer.Layer<ActorStorage> = Layer.sync(ActorStorage, () => make(new Map()))

/** A storage over states that the caller keeps, so that a second system can find what a first one left. */
export const make = (states: Map<string, Uint8Array>): ActorStorage["Service"] => {
  const quarantined = new Map<string, Quarantined>()
  return ActorStorage.of({
    load: (address) =>
      Effect.suspend(() => {
        const aside = quarantined.get(address)
        return aside === undefined
          ? Effect.succeed(states.get(address)?.slice())
          : Effect.fail(new RecordQuarantined({ address, reason: aside.reason }))
      }),
    commit: (batch) =>
      Effect.sync(() => {
        for (const { address, state } of batch) {
          if (state === undefined) states.delete(address)
          else states.set(address, new Uint8Array(state))
        }
        return Effect.void
      }),
    list: (prefix, limit, from = "") =>
      Effect.sync(() =>
        [...states.keys()]
          .filter((address) => address.startsWith(prefix) && address >= from)
          .sort()
          .slice(0, limit)
      ),
    quarantine: (address, reason) =>
      Effect.map(Clock.currentTimeMillis, (timeMs) => {
        states.delete(address)
        quarantined.set(address, { address, reason, time: new Date(timeMs).toISOString() })
      }),
    release: (address) => Effect.sync(() => quarantined.delete(address)),
    quarantined: Effect.sync(() => [...quarantined.values()]),
    openReport: { cleanStop: true, losses: [] }
  })
}
