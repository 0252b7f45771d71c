import { describe, expect, it } from "@effect/vitest"
import * as Codec from "@continuum/core/Codec"
import { Deferred, Effect, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import { ActorStorage, StorageFailed, type Write } from "../src/ActorStorage.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import { stateBytesMax } from "../src/Limits.ts"

const address = (name: string, kind = "counter") => `continuum://local/${kind}/${name}`

/** A storage whose transactions end when the test says so, and how. */
const controlled = () => {
  const states = new Map<string, Uint8Array>()
  const memory = ActorStorageMemory.make(states)
  const transactions: Array<{
    readonly batch: ReadonlyArray<Write>
    /** Ends the first part: visible, or refused. */
    readonly commit: (refusal?: string) => Effect.Effect<void>
    /** Ends the second part: on the disk, or not. */
    readonly flush: (refusal?: string) => Effect.Effect<void>
  }> = []
  const end = (deferred: Deferred.Deferred<void, StorageFailed>) => (refusal?: string) =>
    Effect.andThen(
      refusal === undefined
        ? Deferred.succeed(deferred, undefined)
        : Deferred.fail(deferred, new StorageFailed({ reason: refusal })),
      // Everybody who waited for it goes on before the test does.
      Effect.repeat(Effect.yieldNow, { times: 3 })
    ).pipe(Effect.asVoid)
  const storage = ActorStorage.of({
    ...memory,
    commit: (batch) =>
      Effect.suspend(() => {
        const committed = Deferred.makeUnsafe<void, StorageFailed>()
        const flushed = Deferred.makeUnsafe<void, StorageFailed>()
        transactions.push({ batch, commit: end(committed), flush: end(flushed) })
        return Effect.flatMap(Deferred.await(committed), () => Effect.as(memory.commit(batch), Deferred.await(flushed)))
      })
  })
  const stateOf = (name: string) => {
    const bytes = states.get(address(name))
    return bytes === undefined ? undefined : Codec.decodeUnsafe(bytes)
  }
  return { layer: ActorSystem.layer().pipe(Layer.provide(Layer.succeed(ActorStorage, storage))), stateOf, transactions }
}

const definition = {
  state: 0,
  add: (state: number, n: number) => state + n,
  get: (state: number) => state,
  deny: () => Effect.fail("denied") as Effect.Effect<number, string>
}
const supervision = { backoffMin: "1 second", jitter: 0 } as const
const Counter = Actor.actor("counter", definition, { supervision })
const Quick = Actor.actor("quick", definition, { supervision, ack: "committed" })
const settle = Effect.repeat(Effect.yieldNow, { times: 3 })

/** Starts an ask and gives everything a chance to run. */
const begin = <A, E>(ask: Effect.Effect<A, E>) => Effect.tap(Effect.forkChild(ask), settle)
const isWaiting = (fiber: Fiber.Fiber<unknown, unknown>) => fiber.pollUnsafe() === undefined

describe("a durable actor", () => {
  it.effect("answers only when the new state is flushed", () => {
    const { layer, stateOf, transactions } = controlled()
    return Effect.gen(function* () {
      const counter = (yield* ActorSystem).ref(Counter, "a")
      const ask = yield* begin(counter.add(1))
      expect(transactions).toHaveLength(1)
      expect(isWaiting(ask)).toBe(true)
      yield* transactions[0]!.commit()
      expect(stateOf("a")).toBe(1)
      expect(isWaiting(ask)).toBe(true)
      yield* transactions[0]!.flush()
      expect(yield* Fiber.join(ask)).toBe(1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("with ack committed answers when it can be read", () => {
    const { layer, transactions } = controlled()
    return Effect.gen(function* () {
      const ask = yield* begin((yield* ActorSystem).ref(Quick, "q").add(1))
      expect(isWaiting(ask)).toBe(true)
      yield* transactions[0]!.commit()
      expect(yield* Fiber.join(ask)).toBe(1)
      yield* transactions[0]!.flush()
    }).pipe(Effect.provide(layer))
  })

  it.effect("shares a transaction with all that changed while the one before was under way", () => {
    const { layer, stateOf, transactions } = controlled()
    return Effect.gen(function* () {
      const system = yield* ActorSystem
      const first = yield* begin(system.ref(Counter, "a").add(1))
      const later = yield* begin(
        Effect.all(
          Array.from({ length: 100 }, (_, i) => system.ref(Counter, `c${i % 10}`).add(1)),
          { concurrency: "unbounded" }
        )
      )
      expect(transactions).toHaveLength(1)
      // Nor does the next begin when this one can only be read: the disk would flush it no sooner.
      yield* transactions[0]!.commit()
      expect(transactions).toHaveLength(1)
      yield* transactions[0]!.flush()
      expect(transactions).toHaveLength(2)
      expect(transactions[1]!.batch).toHaveLength(10)
      expect(yield* Fiber.join(first)).toBe(1)
      yield* transactions[1]!.commit()
      yield* transactions[1]!.flush()
      const replies = yield* Fiber.join(later)
      expect(replies.slice(-10)).toEqual(Array.from({ length: 10 }, () => 10))
      expect(stateOf("c3")).toBe(10)
    }).pipe(Effect.provide(layer))
  })

  it.effect("does not wait for the flush of others when it needs no flush", () => {
    const { layer, transactions } = controlled()
    return Effect.gen(function* () {
      const system = yield* ActorSystem
      const flushed = yield* begin(system.ref(Counter, "a").add(1))
      yield* transactions[0]!.commit()
      const waiting = yield* begin(system.ref(Counter, "b").add(1))
      expect(transactions).toHaveLength(1)
      const quick = yield* begin(system.ref(Quick, "q").add(1))
      expect(transactions[1]!.batch).toHaveLength(2)
      yield* transactions[1]!.commit()
      expect(yield* Fiber.join(quick)).toBe(1)
      expect([isWaiting(flushed), isWaiting(waiting)]).toEqual([true, true])
      // The disk refuses one: that has no consequence for the other.
      yield* transactions[0]!.flush("the disk is gone")
      expect(yield* Effect.flip(Effect.flatten(Fiber.await(flushed)))).toMatchObject({ _tag: "StateNotStored" })
      yield* transactions[1]!.flush()
      expect(yield* Fiber.join(waiting)).toBe(1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("does not store, nor wait, for a message that changed nothing", () => {
    const { layer, transactions } = controlled()
    return Effect.gen(function* () {
      const counter = (yield* ActorSystem).ref(Counter, "a")
      expect(yield* counter.get()).toBe(0)
      expect(yield* Effect.flip(counter.deny())).toBe("denied")
      expect(transactions).toHaveLength(0)
    }).pipe(Effect.provide(layer))
  })

  it.effect("tells nobody of a state that is not stored yet: neither a reader nor one it refuses", () => {
    const { layer, transactions } = controlled()
    return Effect.gen(function* () {
      const counter = (yield* ActorSystem).ref(Counter, "a")
      yield* begin(counter.add(1))
      yield* transactions[0]!.commit()
      const reader = yield* begin(counter.get())
      const denied = yield* begin(Effect.flip(counter.deny()))
      expect([isWaiting(reader), isWaiting(denied)]).toEqual([true, true])
      yield* transactions[0]!.flush()
      expect([yield* Fiber.join(reader), yield* Fiber.join(denied)]).toEqual([1, "denied"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("whose state is refused is taken back to what is stored, with all that came after, and restarted", () => {
    const { layer, stateOf, transactions } = controlled()
    return Effect.gen(function* () {
      const system = yield* ActorSystem
      const counter = system.ref(Counter, "a")
      const stored = yield* begin(counter.add(1))
      yield* transactions[0]!.commit()
      yield* transactions[0]!.flush()
      expect(yield* Fiber.join(stored)).toBe(1)

      const refused = yield* begin(Effect.flip(counter.add(10)))
      const after = yield* begin(Effect.flip(counter.add(100)))
      const reader = yield* begin(Effect.flip(counter.get()))
      yield* transactions[1]!.commit("the disk is full")
      for (const fiber of [refused, after, reader]) {
        expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "StateNotStored", reason: "the disk is full" })
      }
      const detail = yield* system.inspect(counter.address)
      expect(detail).toMatchObject({ state: "restarting", restarts: 1 })
      expect(detail.failures[0]!.cause).toBe("Its state was not stored: the disk is full")
      expect(stateOf("a")).toBe(1)
      yield* TestClock.adjust("1 second")
      expect(yield* counter.get()).toBe(1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("that crashes while its last state is under way waits for it and goes on from there", () => {
    const Fragile = Actor.actor(
      "counter",
      {
        ...definition,
        boom: (): number => {
          throw new Error("boom")
        }
      },
      { supervision }
    )
    const { layer, transactions } = controlled()
    return Effect.gen(function* () {
      const fragile = (yield* ActorSystem).ref(Fragile, "a")
      const stored = yield* begin(fragile.add(5))
      yield* begin(Effect.flip(fragile.boom()))
      yield* TestClock.adjust("1 second")
      const reader = yield* begin(fragile.get())
      expect(isWaiting(reader)).toBe(true)
      yield* transactions[0]!.commit()
      yield* transactions[0]!.flush()
      expect(yield* Fiber.join(stored)).toBe(5)
      expect(yield* Fiber.join(reader)).toBe(5)
    }).pipe(Effect.provide(layer))
  })

  it.effect("lets its tells go once its state is stored, and takes them back when it is not", () => {
    const Sender = Actor.actor(
      "sender",
      {
        state: 0,
        send: (state, name: string) =>
          Effect.gen(function* () {
            yield* (yield* ActorSystem).ref(Receiver, name).tell.receive()
            return state + 1
          }) as Effect.Effect<number>,
        sendAsync: async (state, name: string, context) => {
          context.ref(Receiver, name).tell.receive()
          return state + 1
        }
      },
      { supervision }
    )
    const received: Array<string> = []
    const Receiver = Actor.actor(
      "receiver",
      { state: 0, receive: (state, _: void, { name }) => (received.push(name), state + 1) },
      { durable: false }
    )
    const { layer, transactions } = controlled()
    return Effect.gen(function* () {
      const sender = (yield* ActorSystem).ref(Sender, "s")
      for (const [index, message] of (["send", "sendAsync"] as const).entries()) {
        const ask = yield* begin(sender[message](message))
        yield* transactions[index]!.commit()
        expect(received).not.toContain(message)
        yield* transactions[index]!.flush()
        yield* Fiber.join(ask)
        yield* settle
        expect(received).toContain(message)
      }
      const refused = yield* begin(Effect.flip(sender.send("never")))
      yield* transactions[2]!.commit("no")
      expect(yield* Fiber.join(refused)).toMatchObject({ _tag: "StateNotStored" })
      yield* settle
      expect(received).not.toContain("never")
    }).pipe(Effect.provide(layer))
  })

  it.effect("asks others only when what it knows is stored", () => {
    const Asker = Actor.actor("asker", {
      state: 0,
      add: (state, n: number) => state + n,
      relay: (state) =>
        Effect.gen(function* () {
          const heard = yield* (yield* ActorSystem).ref(Listener, "l").hear(state)
          return Actor.reply(state, heard)
        }) as Effect.Effect<Actor.Reply<number, number>>
    })
    const heard: Array<number> = []
    const Listener = Actor.actor(
      "listener",
      { state: 0, hear: (state, n: number) => (heard.push(n), Actor.reply(state, n)) },
      { durable: false }
    )
    const { layer, transactions } = controlled()
    return Effect.gen(function* () {
      const asker = (yield* ActorSystem).ref(Asker, "a")
      yield* begin(asker.add(3))
      const relay = yield* begin(asker.relay())
      expect(heard).toEqual([])
      yield* transactions[0]!.commit()
      yield* transactions[0]!.flush()
      expect(yield* Fiber.join(relay)).toBe(3)
      expect(heard).toEqual([3])
    }).pipe(Effect.provide(layer))
  })

  it.effect("whose state is not plain data says so, and costs the others in the transaction nothing", () => {
    const Odd = Actor.actor("odd", { state: {} as object, set: (_, value: object) => value })
    const { layer, stateOf, transactions } = controlled()
    return Effect.gen(function* () {
      const system = yield* ActorSystem
      const [odd, fine] = [
        yield* begin(Effect.flip(system.ref(Odd, "o").set({ map: new Map() }))),
        yield* begin(system.ref(Counter, "a").add(1))
      ]
      expect(yield* Fiber.join(odd)).toMatchObject({ _tag: "StateNotStored" })
      expect((yield* Fiber.join(odd)).message).toContain(
        "state.map is a Map, not a plain object; only plain data can be stored"
      )
      yield* transactions.at(-1)!.commit()
      yield* transactions.at(-1)!.flush()
      expect(yield* Fiber.join(fine)).toBe(1)
      expect(stateOf("a")).toBe(1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("is stored before the system has stopped", () => {
    const states = new Map<string, Uint8Array>()
    const storage = ActorStorageMemory.make(states)
    const layer = ActorSystem.layer().pipe(Layer.provide(Layer.succeed(ActorStorage, storage)))
    return Effect.gen(function* () {
      yield* Effect.provide(
        Effect.gen(function* () {
          yield* (yield* ActorSystem).ref(Counter, "a").tell.add(7)
          yield* Effect.yieldNow
        }),
        layer
      )
      expect(Codec.decodeUnsafe(states.get(address("a"))!)).toBe(7)
    })
  })
})

describe("a stored state", () => {
  const Dated = Actor.actor(
    "dated",
    { state: { at: new Date(0) }, set: (_, ms: number) => ({ at: new Date(ms) }), get: (state) => state },
    { schema: Schema.Struct({ at: Schema.Date }) }
  )
  const withStates = <A, E>(states: Map<string, Uint8Array>, effect: Effect.Effect<A, E, ActorSystem>) =>
    Effect.provide(
      effect,
      ActorSystem.layer().pipe(Layer.provide(Layer.sync(ActorStorage, () => ActorStorageMemory.make(states))))
    )

  it.effect("is there again in the next system, by its schema where it has one", () => {
    const states = new Map<string, Uint8Array>()
    return Effect.gen(function* () {
      yield* withStates(
        states,
        Effect.gen(function* () {
          yield* (yield* ActorSystem).ref(Dated, "d").set(1_000)
          yield* (yield* ActorSystem).ref(Counter, "c").add(5)
        })
      )
      yield* withStates(
        states,
        Effect.gen(function* () {
          expect(yield* (yield* ActorSystem).ref(Dated, "d").get()).toEqual({ at: new Date(1_000) })
          expect(yield* (yield* ActorSystem).ref(Counter, "c").add(1)).toBe(6)
        })
      )
    })
  })

  it.effect("that does not fit its schema is set aside; the actor stays stopped until it is restarted by hand", () => {
    const states = new Map([[address("d", "dated"), Codec.encode({ at: "yesterday" })]])
    return withStates(
      states,
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const dated = system.ref(Dated, "d")
        const error = yield* Effect.flip(dated.get())
        expect(error).toMatchObject({ _tag: "ActorStopped" })
        expect(error.message).toContain("its stored state does not fit and was set aside")
        expect(yield* system.quarantined).toMatchObject([{ address: dated.address }])
        expect(yield* system.inspect(dated.address)).toMatchObject({
          state: "stopped",
          failures: [{ messageName: "start" }]
        })
        yield* system.restart(dated.address)
        expect(yield* dated.get()).toEqual({ at: new Date(0) })
        expect(yield* system.quarantined).toEqual([])
      })
    )
  })

  it.effect("that cannot be loaded for the moment is tried again, and the messages wait meanwhile", () => {
    let isDown = true
    const memory = ActorStorageMemory.make(new Map([[address("a"), Codec.encode(41)]]))
    const storage = ActorStorage.of({
      ...memory,
      load: (address) => (isDown ? Effect.fail(new StorageFailed({ reason: "the disk sleeps" })) : memory.load(address))
    })
    return Effect.gen(function* () {
      const system = yield* ActorSystem
      const counter = system.ref(Counter, "a")
      const ask = yield* begin(counter.add(1))
      expect(yield* system.inspect(counter.address)).toMatchObject({
        state: "restarting",
        waiting: ["add"],
        failures: [{ messageName: "start" }]
      })
      isDown = false
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(ask)).toBe(42)
    }).pipe(Effect.provide(ActorSystem.layer().pipe(Layer.provide(Layer.succeed(ActorStorage, storage)))))
  })

  it.effect("that does not fit its schema is left as it is by one who only looks", () => {
    const states = new Map([[address("d", "dated"), Codec.encode({ at: "yesterday" })]])
    return withStates(
      states,
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.register(Dated)
        expect((yield* system.inspect(address("d", "dated"))).stateValue).toContain("at")
        expect(yield* system.quarantined).toEqual([])
      })
    )
  })

  it.effect("has a limit to its size", () => {
    const Large = Actor.actor("large", {
      state: new Uint8Array(0),
      set: (_, bytes: number) => Actor.reply(new Uint8Array(bytes))
    })
    return withStates(
      new Map(),
      Effect.gen(function* () {
        const large = (yield* ActorSystem).ref(Large, "l")
        yield* large.set(stateBytesMax - 100)
        const error = yield* Effect.flip(large.set(stateBytesMax))
        expect(error.message).toContain(`more than the limit of ${stateBytesMax}`)
      })
    )
  })

  it.effect("survives a crash of the handler that came after it", () => {
    const Fragile = Actor.actor(
      "counter",
      {
        ...definition,
        boom: (): number => {
          throw new Error("boom")
        }
      },
      { supervision }
    )
    return withStates(
      new Map(),
      Effect.gen(function* () {
        const fragile = (yield* ActorSystem).ref(Fragile, "a")
        expect(yield* fragile.add(41)).toBe(41)
        yield* Effect.flip(fragile.boom())
        yield* TestClock.adjust("1 second")
        expect(yield* fragile.add(1)).toBe(42)
      })
    )
  })

  it.effect("cannot be asked for without a storage", () => {
    const Durable = Actor.actor("durable", { state: 0, get: (state) => state }, { durable: true })
    return Effect.provide(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        expect(() => system.ref(Durable, "d")).toThrow("is marked durable, and this system has no storage")
      }),
      ActorSystem.layerWithoutStorage()
    )
  })
})
