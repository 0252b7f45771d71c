import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { fromRpcs, reply } from "../../src/Actor.ts"
import * as Limits from "../../src/Limits.ts"
import * as Simulation from "../../src/testing/Simulation.ts"

class Rpcs extends RpcGroup.make(
  Rpc.make("push", { payload: Schema.Number, success: Schema.Number }),
  Rpc.make("all", { success: Schema.Array(Schema.Number) }),
  Rpc.make("slow", { success: Schema.Number }),
  Rpc.make("count", { payload: Schema.Number, success: Schema.Number, stream: true })
) {}

/** What is seen of streams and handlers where they run. */
const seen = { said: 0, interrupted: 0 }

const List = fromRpcs("list", Rpcs, {
  state: { schema: Schema.Array(Schema.Number), initial: [] as ReadonlyArray<number> },
  handlers: {
    push: (state, n) => reply([...state, n], n),
    all: (state) => state,
    slow: (state) =>
      Effect.onInterrupt(Effect.as(Effect.sleep(1_000), reply(state, 1)), () => Effect.sync(() => seen.interrupted++)),
    // Its state counts how often it was asked.
    count: (state, to) =>
      reply(
        [...state, to],
        Stream.range(1, to).pipe(
          Stream.rechunk(1),
          Stream.tap(() => Effect.sync(() => seen.said++)),
          Stream.onExit((exit) => Effect.sync(() => void (Exit.hasInterrupts(exit) && seen.interrupted++)))
        )
      )
  }
})

/** Two nodes; the first asks a list of the second. */
const two = (world: Simulation.World) =>
  Effect.gen(function* () {
    const ant = yield* world.start("ant")
    const bee = yield* world.start("bee")
    yield* bee.run(bee.system.register(List))
    const list = ant.system.at(List, "continuum://bee/list/a")
    return { ant, bee, list }
  })

const tags = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, { onFailure: ({ _tag }) => _tag, onSuccess: String })

const value = async <A, E>(network: object, program: (world: Simulation.World) => Effect.Effect<A, E>, seed = 1) => {
  const outcome = await Simulation.run({ seed, network }, program)
  if (Exit.isFailure(outcome.exit)) throw new Error(Simulation.describe(outcome))
  return outcome.exit.value
}

/** What the list has after ten tells. */
const tenTells = (network: object, seed: number) =>
  value(
    network,
    (world) =>
      Effect.gen(function* () {
        const { ant, bee, list } = yield* two(world)
        for (let n = 0; n < 10; n++) yield* ant.run(list.tell.push(n))
        yield* Effect.sleep(1_000)
        return yield* bee.run(bee.system.ref(List, "a").all())
      }),
    seed
  )

const inOrder = Array.from({ length: 10 }, (_, n) => n)

describe("a simulated network", () => {
  it("carries messages between nodes by their names, in order, however long each takes", async () => {
    for (let seed = 1; seed <= 20; seed++) expect(await tenTells({ delayMsMax: 50 }, seed)).toEqual(inOrder)
  })

  it("reorders and duplicates when it is told to", async () => {
    const reordered = await Promise.all(Array.from({ length: 20 }, (_, seed) => tenTells({ reordered: 0.5 }, seed)))
    expect(reordered.some((seen) => JSON.stringify(seen) !== JSON.stringify(inOrder))).toBe(true)
    for (const seen of reordered) expect([...seen].sort()).toEqual(inOrder)
    const duplicated = await Promise.all(Array.from({ length: 20 }, (_, seed) => tenTells({ duplicated: 0.3 }, seed)))
    expect(duplicated.some(({ length }) => length > 10)).toBe(true)
    for (const seen of duplicated) expect([...new Set(seen)].sort()).toEqual(inOrder)
  })

  it("cuts nodes off: who waits learns it at once, who asks later too, and mending ends it", async () => {
    const seen = await value({}, (world) =>
      Effect.gen(function* () {
        const { ant, list } = yield* two(world)
        const waiting = yield* Effect.forkChild(ant.run(tags(list.slow())))
        yield* Effect.sleep(50)
        world.network.cut("ant", "bee")
        const before = yield* Fiber.join(waiting)
        const during = yield* ant.run(tags(list.all()))
        world.network.mend()
        return [before, during, yield* ant.run(list.push(7))]
      })
    )
    expect(seen).toEqual(["TransportLost", "PeerUnreachable", 7])
  })

  it("tells those who wait for a node that crashes, and reaches the one that starts in its place", async () => {
    const seen = await value({}, (world) =>
      Effect.gen(function* () {
        const { ant, bee, list } = yield* two(world)
        yield* ant.run(list.push(1))
        const waiting = yield* Effect.forkChild(ant.run(tags(list.slow())))
        yield* Effect.sleep(50)
        bee.crash()
        const lost = yield* Fiber.join(waiting)
        const gone = yield* ant.run(tags(list.all()))
        const again = yield* world.start("bee")
        yield* again.run(again.system.register(List))
        return [lost, gone, yield* ant.run(list.all())]
      })
    )
    expect(seen).toEqual(["TransportLost", "PeerUnreachable", [1]])
  })

  it("breaks connections by chance, and the same seed breaks the same ones", async () => {
    const asks = (seed: number) =>
      value(
        { breaks: 0.2 },
        (world) =>
          Effect.gen(function* () {
            const { ant, list } = yield* two(world)
            const seen: Array<string> = []
            for (let n = 0; n < 30; n++) seen.push(yield* ant.run(tags(list.push(n))))
            return seen
          }),
        seed
      )
    const seen = await asks(5)
    expect(seen).toContain("TransportLost")
    expect(seen.filter((tag) => tag !== "TransportLost").length).toBeGreaterThan(5)
    expect(await asks(5)).toEqual(seen)
    expect(await asks(6)).not.toEqual(seen)
  })

  it("runs no finalizer on a node that crashed, of what others had asked it for either", async () => {
    seen.interrupted = 0
    await value({}, (world) =>
      Effect.gen(function* () {
        const { ant, bee, list } = yield* two(world)
        const asking = yield* Effect.forkChild(ant.run(tags(list.slow())))
        const reading = yield* Effect.forkChild(ant.run(tags(Stream.runForEach(list.count(1_000), () => Effect.never))))
        yield* Effect.sleep(50)
        bee.crash()
        yield* Fiber.join(asking)
        yield* Fiber.interrupt(reading)
        yield* Effect.sleep(50)
      })
    )
    expect(seen.interrupted).toBe(0)
  })
})

/** All that a reader reads, and how it ends. */
const readOf = (list: { readonly count: (to: number) => Stream.Stream<number, { readonly _tag: string }> }, to = 200) =>
  Effect.gen(function* () {
    const values: Array<number> = []
    const end = yield* tags(Stream.runForEach(list.count(to), (n) => Effect.sync(() => void values.push(n))))
    return { end, isBeginning: values.every((n, at) => n === at + 1), length: values.length }
  })

describe("a stream between simulated nodes", () => {
  it("arrives whole and in order, also when other messages overtake each other and arrive twice", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const [read, asked] = await value(
        { reordered: 0.5, duplicated: 0.5, delayMsMax: 50 },
        (world) =>
          Effect.gen(function* () {
            const { ant, bee, list } = yield* two(world)
            const read = yield* ant.run(readOf(list))
            yield* Effect.sleep(1_000)
            return [read, yield* bee.run(bee.system.ref(List, "a").all())] as const
          }),
        seed
      )
      expect(read).toEqual({ end: "undefined", isBeginning: true, length: 200 })
      expect(asked.length).toBeGreaterThan(0)
      expect(asked.length).toBeLessThan(3)
    }
  })

  it("waits for its reader, and ends where it runs when its reader leaves", async () => {
    seen.said = seen.interrupted = 0
    const answered = await value({}, (world) =>
      Effect.gen(function* () {
        const { ant, list } = yield* two(world)
        const reading = yield* Effect.forkChild(ant.run(Stream.runForEach(list.count(10_000), () => Effect.never)))
        yield* Effect.sleep("1 hour")
        // The actor answers others meanwhile.
        const answered = yield* ant.run(list.push(7))
        yield* Fiber.interrupt(reading)
        yield* Effect.sleep(50)
        return answered
      })
    )
    expect(answered).toBe(7)
    expect(seen.said).toBeGreaterThan(Limits.simulationStreamCredit)
    expect(seen.said).toBeLessThan(100)
    expect(seen.interrupted).toBe(1)
  })

  it("is lost with the connection, after what had arrived, and ends where it runs", async () => {
    const cut = async (end: (world: Simulation.World, bee: Simulation.SimulatedNode) => void) => {
      seen.interrupted = 0
      const read = await value({}, (world) =>
        Effect.gen(function* () {
          const { ant, bee, list } = yield* two(world)
          const reading = yield* Effect.forkChild(ant.run(readOf(list, 100_000)))
          yield* Effect.sleep(200)
          end(world, bee)
          const read = yield* Fiber.join(reading)
          return [read, yield* ant.run(readOf(list))] as const
        })
      )
      return { read, interrupted: seen.interrupted }
    }
    const lost = [
      { end: "TransportLost", isBeginning: true, length: expect.any(Number) },
      { end: "PeerUnreachable", isBeginning: true, length: 0 }
    ]
    const partition = await cut((world) => world.network.cut("ant", "bee"))
    expect(partition).toEqual({ read: lost, interrupted: 1 })
    expect(partition.read[0].length).toBeGreaterThan(50)
    expect(await cut((_, bee) => bee.crash())).toEqual({ read: lost, interrupted: 0 })
  })
})
