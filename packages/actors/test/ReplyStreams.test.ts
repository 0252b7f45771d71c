import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Schedule, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { TestClock } from "effect/testing"
import { actor, fromRpcs, reply, streaming } from "../src/Actor.ts"
import { ActorStorage, StorageFailed } from "../src/ActorStorage.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Limits from "../src/Limits.ts"

class Broken extends Schema.TaggedError<Broken>()("Broken", { at: Schema.Number }) {}

class Words extends Context.Service<Words, { readonly of: (n: number) => string }>()("test/Words") {}

class SpeakerRpcs extends RpcGroup.make(
  Rpc.make("count", { payload: Schema.Number, success: Schema.Number, stream: true }),
  Rpc.make("words", { payload: Schema.Number, success: Schema.String, error: Broken, stream: true }),
  Rpc.make("refuse", { success: Schema.Number, error: Broken, stream: true }),
  Rpc.make("die", { success: Schema.Number, stream: true }),
  Rpc.make("endless", { success: Schema.Number, stream: true }),
  Rpc.make("silent", { success: Schema.Number, stream: true }),
  Rpc.make("asked", { success: Schema.Number }),
  Rpc.make("crash", { success: Schema.Number })
) {}

/** What became of the streams of `endless`. */
const seen = { begun: 0, interrupted: 0, made: 0 }

/** Its state is the number of messages that it answered with a stream. */
const Speaker = fromRpcs(
  "speaker",
  SpeakerRpcs,
  {
    state: { schema: Schema.Number, initial: 0 },
    handlers: {
      count: (state, to) => reply(state + 1, Stream.range(1, to)),
      words: (state, to) =>
        reply(
          state + 1,
          Stream.range(1, to).pipe(
            Stream.mapEffect((n) => Effect.map(Words, (words) => words.of(n))),
            Stream.concat(Stream.fail(new Broken({ at: to })))
          )
        ),
      refuse: () => Effect.fail(new Broken({ at: 0 })),
      die: (state) => reply(state + 1, Stream.concat(Stream.make(1), Stream.die(new Error("out of tune")))),
      endless: (state) =>
        reply(
          state + 1,
          Stream.suspend(() => {
            seen.begun++
            return Stream.onExit(
              Stream.rechunk(
                Stream.map(Stream.forever(Stream.make(0)), () => ++seen.made),
                1
              ),
              (exit) => Effect.sync(() => void (Exit.hasInterrupts(exit) && seen.interrupted++))
            )
          })
        ),
      silent: (state) => reply(state + 1, Stream.concat(Stream.make(1), Stream.never)),
      asked: (state) => reply(state, state),
      crash: (): never => {
        throw new Error("on purpose")
      }
    }
  },
  { supervision: { backoffMin: "1 second", jitter: 0 } }
)

const speaking = Effect.gen(function* () {
  const system = Context.get(yield* Layer.build(ActorSystem.layerWithoutStorage()), ActorSystem)
  const definition = yield* Effect.provideService(system.register(Speaker), Words, { of: (n) => "-".repeat(n) })
  Object.assign(seen, { begun: 0, interrupted: 0, made: 0 })
  return { system, speaker: system.ref(definition, "s") }
})

/** Lets fibers go on that need no time. */
const settle = TestClock.adjust(0)

describe("a reply that is a stream", () => {
  it.effect("arrives value by value, with the services of the handler and with its errors in their types", () =>
    Effect.gen(function* () {
      const { speaker } = yield* speaking
      expect(yield* Stream.runCollect(speaker.count(5))).toEqual([1, 2, 3, 4, 5])
      const words: Array<string> = []
      const error = yield* speaker.words(3).pipe(
        Stream.runForEach((word) => Effect.sync(() => words.push(word))),
        Effect.catchTag("Broken", ({ at }) => Effect.succeed(`broken at ${at}`))
      )
      expect([words, error]).toEqual([["-", "--", "---"], "broken at 3"])
      expect(yield* Effect.flip(Stream.runCollect(speaker.refuse()))).toEqual(new Broken({ at: 0 }))
      // The messages were handled when their handlers returned; a failed one changed nothing.
      expect(yield* speaker.asked()).toBe(2)
    })
  )

  it.effect("asks when it is run, and each time that it is run", () =>
    Effect.gen(function* () {
      const { speaker } = yield* speaking
      const stream = speaker.count(2)
      expect(yield* speaker.asked()).toBe(0)
      yield* Stream.runDrain(stream)
      yield* Stream.runDrain(stream)
      expect(yield* speaker.asked()).toBe(2)
    })
  )

  it.effect("flows while its actor handles other messages, held back by an asker who does not read", () =>
    Effect.gen(function* () {
      const { speaker } = yield* speaking
      const reading = yield* Effect.forkChild(Stream.runForEach(speaker.endless(), () => Effect.never))
      yield* settle
      expect(yield* speaker.asked()).toBe(1)
      expect(seen.begun).toBe(1)
      // What is in the buffer, what waits for room, and what the asker holds.
      expect(seen.made).toBeGreaterThan(Limits.replyBufferElements)
      expect(seen.made).toBeLessThanOrEqual(2 * Limits.replyBufferElements + 2)
      yield* Fiber.interrupt(reading)
      yield* settle
      expect(seen.interrupted).toBe(1)
    })
  )

  it.effect("ends when its asker has enough", () =>
    Effect.gen(function* () {
      const { speaker } = yield* speaking
      expect(yield* Stream.runCollect(Stream.take(speaker.endless(), 3))).toEqual([1, 2, 3])
      yield* settle
      expect(seen.interrupted).toBe(1)
    })
  )

  it.effect("that dies is ActorFailed for its asker and a failure in the inspector; its actor goes on", () =>
    Effect.gen(function* () {
      const { speaker, system } = yield* speaking
      const values: Array<number> = []
      const error = yield* Effect.flip(Stream.runForEach(speaker.die(), (n) => Effect.sync(() => values.push(n))))
      expect(values).toEqual([1])
      expect(error).toMatchObject({ _tag: "ActorFailed", messageName: "die", cause: "Error: out of tune" })
      expect(yield* speaker.asked()).toBe(1)
      const { failures, restarts } = yield* system.inspect(speaker.address)
      expect([failures[0]?.messageName, restarts, system.totals().failed]).toEqual(["die", 0, 1])
    })
  )

  it.effect("ends with the life of its actor: ActorFailed when that restarts, ActorStopped when it stops", () =>
    Effect.gen(function* () {
      const { speaker, system } = yield* speaking
      const reading = () =>
        Effect.forkChild(Effect.flip(Stream.runForEach(speaker.endless(), () => Effect.sleep("1 minute"))))
      const [one, two] = [yield* reading(), yield* reading()]
      yield* settle
      yield* Effect.flip(speaker.crash())
      yield* TestClock.adjust("1 hour")
      for (const fiber of [one, two]) expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "ActorFailed" })
      expect([seen.begun, seen.interrupted]).toEqual([2, 2])
      const three = yield* reading()
      yield* settle
      yield* system.stop(speaker.address)
      yield* TestClock.adjust("1 hour")
      expect(yield* Fiber.join(three)).toMatchObject({ _tag: "ActorStopped" })
      expect(seen.interrupted).toBe(3)
    })
  )

  it.effect("that was answered in a life that is over when it is read, is over too", () =>
    Effect.gen(function* () {
      const { speaker, system } = yield* speaking
      const both = Stream.mapEffect(speaker.count(1), () => Effect.flip(speaker.crash()))
      yield* Stream.runDrain(both)
      yield* TestClock.adjust("1 second")
      expect(yield* Stream.runCollect(speaker.count(2))).toEqual([1, 2])
      yield* system.stop(speaker.address)
      expect(yield* Effect.flip(Stream.runCollect(speaker.count(1)))).toMatchObject({ _tag: "ActorStopped" })
    })
  )

  it.effect("fails with AskTimeout when its next value does not come in time, and only then", () =>
    Effect.gen(function* () {
      const { speaker, system } = yield* speaking
      const hurried = system.ref(yield* Effect.provideService(system.register(Speaker), Words, { of: String }), "s", {
        timeout: "1 second"
      })
      const silent = yield* Effect.forkChild(Effect.flip(Stream.runCollect(hurried.silent())))
      const slowReader = yield* Effect.forkChild(
        Stream.runCollect(Stream.tap(Stream.rechunk(hurried.count(3), 1), () => Effect.sleep("1 minute")))
      )
      yield* TestClock.adjust("3 minutes")
      expect(yield* Fiber.join(silent)).toMatchObject({ _tag: "AskTimeout", messageName: "silent", timeoutMs: 1_000 })
      expect(yield* Fiber.join(slowReader)).toEqual([1, 2, 3])
      expect(yield* speaker.asked()).toBe(2)
    })
  )

  it.effect("is refused beyond the streams that one actor may have, and has room again when one ends", () =>
    Effect.gen(function* () {
      const { speaker } = yield* speaking
      const many = yield* Effect.forEach(
        Array.from({ length: Limits.replyStreamsMax }),
        () => Effect.forkChild(Stream.runDrain(speaker.silent())),
        {}
      )
      yield* settle
      expect(yield* Effect.flip(Stream.runDrain(speaker.silent()))).toMatchObject({ _tag: "StreamsFull" })
      yield* Fiber.interrupt(many[0]!)
      expect(yield* Stream.runCollect(speaker.count(1))).toEqual([1])
    })
  )

  it.effect("keeps its actor in memory while it flows", () =>
    Effect.gen(function* () {
      const { system } = yield* speaking
      const Brief = actor(
        "brief",
        {
          state: 0,
          tick: streaming((state: number) => reply(state, Stream.fromSchedule(Schedule.spaced("1 second"))))
        },
        { passivateAfter: "10 seconds" }
      )
      const reading = yield* Effect.forkChild(Stream.runDrain(system.ref(Brief, "b").tick()))
      yield* TestClock.adjust("2 minutes")
      expect(system.totals().passivated).toBe(0)
      yield* Fiber.interrupt(reading)
      yield* TestClock.adjust("2 minutes")
      expect(system.totals().passivated).toBe(1)
    })
  )

  it.effect("of a durable actor begins once the state is stored, and not at all when it is refused", () => {
    let refuses = false
    const refusing = Layer.effect(
      ActorStorage,
      Effect.map(ActorStorage, (storage) => ({
        ...storage,
        commit: (batch: Parameters<typeof storage.commit>[0]) =>
          refuses ? Effect.fail(new StorageFailed({ reason: "the disk is full" })) : storage.commit(batch)
      }))
    ).pipe(Layer.provide(ActorStorageMemory.layer))
    return Effect.gen(function* () {
      const system = yield* ActorSystem
      const Stored = actor("stored", {
        state: 0,
        count: streaming((state: number, to: number) => reply(state + 1, Stream.range(1, to))),
        asked: (state) => state
      })
      const stored = system.ref(Stored, "s")
      expect(yield* Stream.runCollect(stored.count(2))).toEqual([1, 2])
      refuses = true
      expect(yield* Effect.flip(Stream.runCollect(stored.count(2)))).toMatchObject({ _tag: "StateNotStored" })
      refuses = false
      yield* TestClock.adjust("1 minute")
      expect(yield* stored.asked()).toBe(1)
    }).pipe(Effect.provide(Layer.provide(ActorSystem.layer(), refusing)))
  })

  it.effect("is never told, and is not asked for by the names of address and message", () =>
    Effect.gen(function* () {
      const { speaker, system } = yield* speaking
      expect("count" in speaker.tell).toBe(false)
      expect("asked" in speaker.tell).toBe(true)
      const error = yield* Effect.flip(system.askUnknown(speaker.address, "count", 1))
      expect(error).toMatchObject({ _tag: "PayloadMalformed", messageName: "count" })
      expect(yield* speaker.asked()).toBe(0)
    })
  )

  it.effect("that is none, whatever its definition says, is ActorFailed", () =>
    Effect.gen(function* () {
      const { system } = yield* speaking
      const group = RpcGroup.make(Rpc.make("ticks", { success: Schema.Number, stream: true }))
      const Odd = fromRpcs("odd", group, {
        state: { schema: Schema.Number, initial: 0 },
        handlers: { ticks: (state: number) => reply(state, state) } as never
      })
      const error = yield* Effect.flip(Stream.runDrain(system.ref(Odd, "o").ticks()))
      expect(error).toMatchObject({ _tag: "ActorFailed", messageName: "ticks" })
    })
  )

  it.effect("whose values are frozen, as all messages are", () =>
    Effect.gen(function* () {
      const { system } = yield* speaking
      const Lists = actor("lists", {
        state: 0,
        all: streaming((state: number) => reply(state, Stream.make([1], [2])))
      })
      const [first] = yield* Stream.runCollect(system.ref(Lists, "l").all())
      expect(Object.isFrozen(first)).toBe(true)
    })
  )
})

describe("for code that uses Promises, a reply that is a stream", () => {
  it("is an AsyncIterable; whoever leaves the loop ends the stream, and its errors are thrown", async () => {
    const system = await ActorSystem.start()
    const Numbers = actor("numbers", {
      state: 0,
      count: streaming((state: number, to: number) => reply(state + 1, Stream.range(1, to))),
      fail: streaming((state: number) => reply(state, Stream.fail(new Broken({ at: 1 }))))
    })
    const Sums = actor("sums", {
      state: 0,
      of: async (state: number, to: number, context) => {
        let sum = 0
        for await (const n of context.ref(Numbers, "other").count(to)) sum += n
        return state + sum
      }
    })
    const numbers = system.ref(Numbers, "n")
    const read: Array<number> = []
    for await (const n of numbers.count(1_000_000)) if (read.push(n) === 3) break
    expect(read).toEqual([1, 2, 3])
    const failing = async () => {
      for await (const value of numbers.fail()) read.push(value)
    }
    await expect(failing()).rejects.toMatchObject({ _tag: "Broken", at: 1 })
    expect(await system.ref(Sums, "s").of(4)).toBe(10)
    await system.stop()
  })
})
