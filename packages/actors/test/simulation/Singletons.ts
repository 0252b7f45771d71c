/**
 * A service of which one runs on three nodes, whose nodes crash, are cut off and have clocks that jump. Never two of it run at once.
 */
import { Effect } from "effect"
import { CurrentLease, singleton } from "../../src/Singleton.ts"
import type { SimulatedNode } from "../../src/testing/Simulation.ts"
import type { Program } from "./Programs.ts"

const leaseTtl = 400

/** A singleton of three nodes, while the two that do not keep its lease crash, are cut off and have clocks that jump. */
export const singletonUnderFire: Program = {
  name: "a singleton under fire",
  network: { breaks: 0.02, delayMsMax: 30 },
  run: (world) =>
    Effect.gen(function* () {
      let owner: { readonly node: string; readonly isAlive: () => boolean } | undefined
      let overlap: string | undefined
      let runs = 0
      let epoch = 0
      const names = ["authority", "one", "two"]
      const nodes = new Map<string, SimulatedNode>()
      const begin = (name: string) =>
        Effect.gen(function* () {
          const node: SimulatedNode = yield* world.start(name)
          const work = Effect.gen(function* () {
            const lease = yield* CurrentLease
            if (lease.epoch <= epoch) overlap ??= `epoch ${lease.epoch} came after ${epoch}`
            epoch = lease.epoch
            const mine = { node: name, isAlive: node.isAlive }
            if (owner?.isAlive() === true) overlap ??= `${name} began while ${owner.node} ran`
            owner = mine
            runs++
            yield* Effect.ensuring(
              Effect.sleep(world.below(3_000)),
              Effect.sync(() => {
                if (owner === mine) owner = undefined
              })
            )
          })
          yield* Effect.ignore(node.run(node.system.run(singleton("work", work, { of: "authority", ttl: leaseTtl }))))
          nodes.set(name, node)
        })
      for (const name of names) yield* begin(name)
      for (let round = 0; round < 8; round++) {
        yield* Effect.sleep(world.below(600))
        const name = names[world.below(names.length)]!
        const node = nodes.get(name)!
        const trouble = world.below(3)
        if (trouble === 0) {
          node.crash()
          yield* Effect.sleep(world.below(leaseTtl))
          yield* begin(name)
        } else if (trouble === 1) {
          world.network.cut(name, "authority")
          yield* Effect.sleep(world.below(3 * leaseTtl))
          world.network.mend()
        } else node.jumpClock(world.below(10_000) - 5_000)
        yield* world.expect(`a singleton runs once at a time: ${overlap}`, overlap === undefined)
      }
      const before = runs
      yield* Effect.sleep(4_000)
      yield* world.expect("a singleton runs again when all is well", runs > before)
      yield* world.expect(`a singleton runs once at a time: ${overlap}`, overlap === undefined)
    })
}
