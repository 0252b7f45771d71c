import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Queue, Random, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type KeyPair, keyPairFromSeed } from "../src/Identity.ts"
import { dialTimeoutMs } from "../src/Limits.ts"
import { laws, World } from "../src/testing/TransportLaws.ts"
import * as TransportMemory from "../src/testing/TransportMemory.ts"
import type { Connection } from "../src/Transport.ts"

const world = Layer.effect(World, TransportMemory.make())

describe.concurrent("the network in memory", () => {
  for (const { name, check } of laws) it.live(name, () => Effect.provide(check, world))
})

const keys: ReadonlyArray<KeyPair> = [1, 2, 3].map((seed) => keyPairFromSeed(new Uint8Array(32).fill(seed)))

/** A node whose connections are collected and whose events are written down with their times. */
const player = (network: TransportMemory.Network, key: KeyPair, log: Array<string>) =>
  Effect.gen(function* () {
    const node = yield* network.start(key)
    const connections = yield* Queue.unbounded<Connection>()
    const clock = yield* TestClock.testClockWith(Effect.succeed)
    const write = (what: string) => log.push(`${clock.currentTimeMillisUnsafe()} ${what}`)
    yield* Effect.forkScoped(
      Stream.runForEach(node.transport.connections, (one) => {
        write(`${keys.indexOf(key)} opened ${keys.findIndex(({ publicKey }) => publicKey === one.peer)}`)
        one.listen({
          message: (bytes) => {
            write(`${keys.indexOf(key)} got ${bytes[0]}`)
            if (bytes[0]! < 20) one.send(new Uint8Array([bytes[0]! + 1]))
          },
          drain: () => {},
          closed: (reason) => write(`${keys.indexOf(key)} closed: ${reason?.reason}`)
        })
        return Queue.offer(connections, one)
      })
    )
    return { ...node, connections }
  })

/** Lets time pass in steps, so that what one event causes happens before the next. */
const pass = (ms: number) =>
  Effect.gen(function* () {
    for (let passed = 0; passed < ms; passed += 10) {
      yield* TestClock.adjust(10)
      for (let turn = 0; turn < 4; turn++) yield* Effect.promise(() => Promise.resolve())
    }
  })

/** Two nodes count together over a bad network for a minute of the test clock. */
const story = (seed: number) =>
  Effect.gen(function* () {
    const log: Array<string> = []
    const network = yield* TransportMemory.make({ delayMs: [1, 50], breakChance: 0.05, dialLoss: 0.3 })
    const [a] = yield* Effect.all([player(network, keys[0]!, log), player(network, keys[1]!, log)])
    yield* a!.transport.keep(keys[1]!.publicKey)
    const counting = yield* Effect.forkChild(
      Stream.runForEach(Stream.fromQueue(a!.connections), (one) => Effect.sync(() => one.send(new Uint8Array([1]))))
    )
    yield* pass(60_000)
    yield* Fiber.interrupt(counting)
    return log
  }).pipe(Effect.scoped, Random.withSeed(seed))

describe("faults of the network in memory", () => {
  it.effect("replay from their seed to the millisecond, and another seed is another story", () =>
    Effect.gen(function* () {
      const stories = [yield* story(1), yield* story(1), yield* story(2)]
      const relative = stories.map((log) => {
        const start = Number(log[0]!.split(" ")[0])
        return log.map((line) => line.replace(/^\d+/, (ms) => String(Number(ms) - start)))
      })
      expect(relative[0]!.length).toBeGreaterThan(20)
      expect(relative[0]!.some((line) => line.includes("the network broke it"))).toBe(true)
      expect(relative[1]).toEqual(relative[0])
      expect(relative[2]).not.toEqual(relative[0])
    })
  )

  it.effect("a dial that gets lost fails when its time is over", () =>
    Effect.gen(function* () {
      const network = yield* TransportMemory.make({ dialLoss: 1 })
      const [a] = yield* Effect.all([network.start(keys[0]!), network.start(keys[1]!)])
      const dial = yield* Effect.forkChild(Effect.flip(a!.transport.dial(keys[1]!.publicKey)))
      yield* TestClock.adjust(dialTimeoutMs - 1)
      expect(dial.pollUnsafe()).toBe(undefined)
      yield* TestClock.adjust(1)
      expect((yield* Fiber.join(dial)).message).toContain("it did not answer within 15 s")
    })
  )

  it.effect("a parted network breaks connections across the cut, and heals", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const network = yield* TransportMemory.make()
      const [a, b, c] = yield* Effect.all(keys.map((key) => player(network, key, log)))
      const topic = new Uint8Array(32)
      yield* Effect.forEach([a!, b!, c!], ({ transport }) => transport.join(topic))
      yield* pass(100)
      const counts = () =>
        Effect.forEach([a!, b!, c!], ({ transport }) => Effect.map(transport.status, (s) => s.connections))
      expect(yield* counts()).toEqual([2, 2, 2])
      yield* network.part([keys[2]!.publicKey])
      expect(yield* counts()).toEqual([1, 1, 0])
      const dial = yield* Effect.forkChild(Effect.flip(a!.transport.dial(keys[2]!.publicKey)))
      yield* pass(100)
      expect((yield* Fiber.join(dial))._tag).toBe("PeerUnreachable")
      yield* network.heal
      yield* pass(100)
      expect(yield* counts()).toEqual([2, 2, 2])
    })
  )
})
