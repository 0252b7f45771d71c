/**
 * Finds a bug that happens once in a while, and shows it again and again.
 *
 * The shop asks the stock whether there is one left, and then takes it. Two customers can both be told yes. Real tests pass nearly
 * always; a simulation tries other orders of the same steps until one fails, and its seed replays exactly that one.
 */
import { actor, reply } from "@continuum/actors"
import * as Simulation from "@continuum/actors/testing/Simulation"
import { Effect } from "effect"

const Stock = actor("stock", {
  state: 1,
  count: (state) => state,
  take: (state) => reply(state - 1, undefined)
})

/** The user's own application, and what must hold of it. */
const shop = (world: Simulation.World) =>
  Effect.gen(function* () {
    const node = yield* world.start("shop")
    const stock = node.system.ref(Stock, "teapot")
    const customer = (name: string) =>
      node.run(
        Effect.gen(function* () {
          if ((yield* stock.count()) < 1) return world.note(`${name} goes home`)
          world.note(`${name} buys`)
          yield* stock.take()
        })
      )
    yield* Effect.all([customer("Ada"), customer("Bob")], { concurrency: "unbounded" })
    const left = yield* node.run(stock.count())
    yield* world.expect("nobody buys what is not there", left >= 0)
  })

const found = await Simulation.check({ seeds: Simulation.seedsFrom(1, 1_000) }, shop).catch((error: Error) => error)
console.log(found instanceof Error ? found.message : "no bug found")

// The same seed is the same run.
const seed = Number(/Seed (\d+)/.exec(String(found))?.[1])
const [first, second] = [await Simulation.run({ seed }, shop), await Simulation.run({ seed }, shop)]
console.log(`replayed twice, the same each time: ${first.trace === second.trace}`)
