/**
 * What sessions must do alike on Bun, Deno and Node: actors of another node by the line that asks one here, refusal of
 * strangers, and a bad frame that costs only its own connection.
 */
import * as ActorStorageMemory from "@continuum/actors/ActorStorageMemory"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { register, scenarios } from "@continuum/actors/testing/RouterScenarios"
import { Context, Effect, Layer, References, type Scope } from "effect"
import { check, report } from "../../../core/test/Conformance.ts"
import { echo, envelopeTo } from "../support/Echo.ts"
import { Hub, identityOf, type Node, start } from "../support/Hub.ts"
import { Player } from "../support/Player.ts"

const equal = (actual: unknown, expected: unknown) => {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (found !== wanted) throw new Error(`expected ${wanted}, found ${found}`)
}
const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
  Effect.runPromise(Effect.provideService(Effect.scoped(effect), References.MinimumLogLevel, "None"))

const systemOn = (node: Node) =>
  Effect.gen(function* () {
    const layer = Layer.provide(
      ActorSystem.layer({ stopTimeout: 50, delivery: node.delivery }),
      ActorStorageMemory.layer
    )
    const system = Context.get(yield* Layer.build(layer), ActorSystem)
    yield* Effect.provideService(register, ActorSystem, system)
    return system
  })

for (const { expected, name, see } of scenarios) {
  await check(`on another node: ${name}`, () =>
    run(
      Effect.gen(function* () {
        const hub = new Hub()
        const [a, b] = [yield* start(hub, 1), yield* start(hub, 2)]
        yield* a.mesh.add(b.key)
        yield* b.mesh.add(a.key)
        const here = yield* systemOn(a)
        yield* systemOn(b)
        const place = { realm: "node-2", back: a.realm, run: "c" }
        equal(yield* Effect.provideService(see(place), ActorSystem, here), expected)
      })
    )
  )
}

await check("a stranger is refused, and a bad frame ends its own connection only", () =>
  run(
    Effect.gen(function* () {
      const hub = new Hub()
      const [a, b] = [yield* start(hub, 1), yield* start(hub, 2)]
      yield* b.delivery.serve(echo)
      yield* a.mesh.add(b.key)
      equal((yield* Effect.flip(a.delivery.ask(envelopeTo(b.realm, 1))))._tag, "NotGranted")
      yield* b.mesh.add(a.key)
      const player = new Player(hub.stranger(identityOf(50).node.publicKey, b.key), identityOf(50))
      yield* player.greeted
      player.send([1, 0, 0, 0, 0, 0, 0xc1])
      yield* player.ended
      equal(yield* a.delivery.ask(envelopeTo(b.realm, 1)), { _tag: "Replied", value: [1, a.key] })
    })
  )
)

report()
