import * as Actor from "@continuum/actors/Actor"
import { ActorStorage } from "@continuum/actors/ActorStorage"
import * as ActorStorageMemory from "@continuum/actors/ActorStorageMemory"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as ModuleActor from "@continuum/runtime-wasm/ModuleActor"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"

const ant = "y".repeat(52)
const bee = "b".repeat(52)
const contentId = "0".repeat(64)

const report = { tier: "wasm", abi: "scalar1", signature: "(f64) => f64", tested: 0 } as const

/** A module of the node of this key: each of its runs takes 7 fuel. */
const moduleOf = (node: string) =>
  ModuleActor.make({
    node,
    accepts: () => Effect.succeed(true),
    run: ({ input }) => Effect.succeed({ fuel: 7, report, output: input, crashed: false }),
    onCrash: () => {}
  })

/** What the first release stored: the same state, counted under the node's name of that time. */
const First = Actor.actor("module", {
  state: {} as Record<string, unknown>,
  store: (_, state: Record<string, unknown>) => state
})
const stored = {
  createdMs: 1_000,
  lastUsedMs: 2_000,
  counters: { ant: { uses: 5, failures: 1, fuelTotal: 50 }, laptop: { uses: 2, failures: 0, fuelTotal: 14 } },
  lang: "wat",
  variant: "(f64) => f64",
  bytes: 60,
  name: "triple",
  version: "3"
}

/** Runs on a disk of its own in memory, on which the last one left these records. */
const onDisk = <A, E>(records: Map<string, Uint8Array>, program: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(
    program,
    Layer.provide(ActorSystem.layer(), Layer.succeed(ActorStorage, ActorStorageMemory.make(records)))
  )

const runOnce = (node: string) =>
  Effect.gen(function* () {
    const module = (yield* ActorSystem).ref(moduleOf(node), contentId)
    yield* module.run({ input: 1 })
    return yield* module.statistics()
  })

describe("the counters of a module", () => {
  it.live("are those of node keys, so that two nodes of one name never become one", () =>
    Effect.gen(function* () {
      const records = new Map<string, Uint8Array>()
      yield* onDisk(records, runOnce(ant))
      const state = yield* onDisk(records, runOnce(bee))
      const one = { uses: 1, failures: 0, fuelTotal: 7 }
      assert.deepStrictEqual(state.counters, { [ant]: one, [bee]: one })
      assert.deepStrictEqual(ModuleActor.totals(state), { uses: 2, failures: 0, fuelTotal: 14 })
    })
  )

  it.live("of a home that counted under its names go on under its key, and the rest of the state stays", () =>
    Effect.gen(function* () {
      const records = new Map<string, Uint8Array>()
      yield* onDisk(
        records,
        Effect.flatMap(ActorSystem, (system) => system.ref(First, contentId).store(stored))
      )
      const { lastUsedMs, ...state } = yield* onDisk(records, runOnce(ant))
      const { lastUsedMs: lastUsedBefore, ...before } = stored
      assert.deepStrictEqual(state, { ...before, counters: { [ant]: { uses: 8, failures: 1, fuelTotal: 71 } } })
      assert.isAbove(lastUsedMs, lastUsedBefore)
      const again = yield* onDisk(records, runOnce(ant))
      assert.strictEqual(ModuleActor.totals(again).uses, 9)
    })
  )
})
