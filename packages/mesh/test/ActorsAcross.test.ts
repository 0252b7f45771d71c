import * as ActorStorageMemory from "@continuum/actors/ActorStorageMemory"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { register, scenarios } from "@continuum/actors/testing/RouterScenarios"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, References } from "effect"
import { Hub, type Node, start } from "./support/Hub.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** An actor system on a node of the mesh. */
const systemOn = (node: Node | undefined) =>
  Effect.gen(function* () {
    const layer = ActorSystem.layer({
      stopTimeout: 50,
      ...(node === undefined ? {} : { delivery: node.delivery })
    })
    const system = Context.get(yield* Layer.build(Layer.provide(layer, ActorStorageMemory.layer)), ActorSystem)
    yield* Effect.provideService(register, ActorSystem, system)
    return system
  })

/** Two nodes that grant each other everything, each with a system. */
const twoSystems = Effect.gen(function* () {
  const hub = new Hub()
  const [a, b] = [yield* start(hub, 1), yield* start(hub, 2)]
  yield* a.mesh.add(b.key)
  yield* b.mesh.add(a.key)
  return { a, b, here: yield* systemOn(a), there: yield* systemOn(b) }
})

describe("an actor asked by its address does the same in this process and on another node:", () => {
  for (const { expected, name, see } of scenarios) {
    it.live(name, () =>
      Effect.gen(function* () {
        const alone = yield* systemOn(undefined)
        const local = see({ realm: "local", back: "local", run: "local" })
        expect(yield* Effect.provideService(local, ActorSystem, alone)).toEqual(expected)
        const { a, b, here } = yield* twoSystems
        for (const realm of [b.realm, b.key, "node-2"]) {
          const place = { realm, back: a.realm, run: `at-${realm}` }
          expect(yield* Effect.provideService(see(place), ActorSystem, here), `at ${realm}`).toEqual(expected)
        }
      }).pipe(quiet)
    )
  }
})
