/**
 * What every GrantStore does. Run each law with an empty store.
 */
import { keyPairFromSeed, type PublicKey } from "@continuum/core/Identity"
import { peersMax } from "@continuum/core/Limits"
import { type Law, same } from "@continuum/core/testing/Law"
import { Effect } from "effect"
import { type Grant, GrantStore } from "../GrantStore.ts"

const keyOf = (seed: number): PublicKey => keyPairFromSeed(new Uint8Array(32).fill(seed)).publicKey
const grantOf = (publicKey: PublicKey, more: Partial<Grant> = {}): Grant => ({
  publicKey,
  actions: ["actors.ask"],
  name: "bee",
  address: "127.0.0.1:49737",
  ...more
})

const law = (name: string, check: (store: GrantStore["Service"]) => Effect.Effect<void, unknown>): Law<GrantStore> => ({
  name,
  check: Effect.flatMap(GrantStore, check)
})

export const laws: ReadonlyArray<Law<GrantStore>> = [
  law("an empty store grants nothing", (store) =>
    Effect.gen(function* () {
      yield* same("all", yield* store.all, [])
      yield* same("remove", yield* store.remove(keyOf(1)), false)
    })
  ),
  law("what was set is there, in order, and a second setting of a key replaces the first", (store) =>
    Effect.gen(function* () {
      const [bee, ant] = [grantOf(keyOf(1)), grantOf(keyOf(2), { name: "ant", realm: keyOf(3), actions: [] })]
      yield* store.set(bee)
      yield* store.set(ant)
      yield* same("all", yield* store.all, [bee, ant])
      const more = grantOf(keyOf(1), { actions: ["jit.run", "content.read"] })
      yield* store.set(more)
      yield* same("all", yield* store.all, [more, ant])
    })
  ),
  law("what was removed is gone, and can be set again", (store) =>
    Effect.gen(function* () {
      yield* store.set(grantOf(keyOf(1)))
      yield* same("the first remove", yield* store.remove(keyOf(1)), true)
      yield* same("the second remove", yield* store.remove(keyOf(1)), false)
      yield* same("all", yield* store.all, [])
      yield* store.set(grantOf(keyOf(1)))
      yield* same("all", (yield* store.all).length, 1)
    })
  ),
  law("settings at the same time are all kept", (store) =>
    Effect.gen(function* () {
      const keys = Array.from({ length: 12 }, (_, i) => keyOf(i + 1))
      yield* Effect.forEach(keys, (key) => store.set(grantOf(key)), { concurrency: "unbounded", discard: true })
      yield* same("all", (yield* store.all).map(({ publicKey }) => publicKey).toSorted(), keys.toSorted())
    })
  )
]

/** For stores that are cheap to fill: one grant more than there is room for is refused, and changes nothing. */
export const fullLaw: Law<GrantStore> = law("one grant more than there is room for is refused", (store) =>
  Effect.gen(function* () {
    // Keys that nobody holds are as good as others here, and cost nothing to make.
    const keys = Array.from({ length: peersMax + 1 }, (_, i) => `y${String(i).padStart(4, "y")}` as PublicKey)
    for (const key of keys.slice(0, peersMax)) yield* store.set(grantOf(key))
    yield* same("the error", (yield* Effect.flip(store.set(grantOf(keys[peersMax]!))))._tag, "GrantNotStored")
    yield* store.set(grantOf(keys[0]!, { name: "changed" }))
    yield* same("all", (yield* store.all).length, peersMax)
  })
)
