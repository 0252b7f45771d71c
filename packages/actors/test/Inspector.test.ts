import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import * as Actor from "../src/Actor.ts"
import { ActorError } from "../src/ActorError.ts"
import { ActorStorage } from "../src/ActorStorage.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import { ActorDetail, ActorSummary, DeadLetter, HandlerFailed } from "../src/rpc.ts"
import { service } from "../src/Service.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { at: Schema.Date }) {}

class ClockRpcs extends RpcGroup.make(
  Rpc.make("set", { payload: { at: Schema.Date }, success: Schema.Date, error: Refused }),
  Rpc.make("get", { success: Schema.Date })
) {}

const ClockActor = Actor.fromRpcs("clock", ClockRpcs, {
  state: { schema: Schema.Date, initial: new Date(0) },
  handlers: {
    set: (_, { at }) => (at.getTime() < 0 ? Effect.fail(new Refused({ at })) : Effect.succeed(at)),
    get: (state) => state
  }
})

const Counter = Actor.actor(
  "counter",
  {
    state: 0,
    add: (state, n: number) => state + n,
    fail: () => Effect.fail({ code: 7, when: new Date(0) }) as Effect.Effect<number, unknown>,
    map: (state) => Actor.reply(state, new Map()),
    wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state)
  },
  { priority: 200 }
)

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, ActorSystem.layerWithoutStorage({ nodeName: "north", stopTimeout: 0 }))

const registered = Effect.gen(function* () {
  const system = yield* ActorSystem
  yield* system.register(Counter)
  yield* system.register(ClockActor)
  return system
})

const address = (rest: string) => `continuum://local/${rest}`

describe("the list", () => {
  it.effect("has services, then active actors, of all kinds or of one, in the words of the contract", () =>
    run(
      Effect.gen(function* () {
        const system = yield* registered
        yield* system.run(service("gossip", Effect.never))
        yield* system.ref(Counter, "a b").add(1)
        yield* system.ref(ClockActor, "c").get()
        const all = yield* system.list()
        expect(all.map(({ address }) => address)).toEqual([
          address("service/gossip"),
          address("counter/a%20b"),
          address("clock/c")
        ])
        expect(all[1]).toEqual({
          address: address("counter/a%20b"),
          kind: "counter",
          state: "idle",
          mailbox: 0,
          processed: 1,
          restarts: 0,
          priority: 200,
          node: "north"
        })
        expect((yield* system.list("clock")).map(({ kind }) => kind)).toEqual(["clock"])
        expect(yield* system.list("nothing")).toEqual([])
        for (const summary of all) expect(Schema.is(ActorSummary)(summary)).toBe(true)
      })
    )
  )

  it.effect("has actors that only have a stored state too, and looking does not activate them", () => {
    const states = new Map<string, Uint8Array>()
    const layer = ActorSystem.layer().pipe(
      Layer.provide(Layer.sync(ActorStorage, () => ActorStorageMemory.make(states)))
    )
    return Effect.gen(function* () {
      yield* Effect.provide(
        Effect.flatMap(ActorSystem, (system) => system.ref(Counter, "left behind").add(3)),
        layer
      )
      yield* Effect.provide(
        Effect.gen(function* () {
          const system = yield* registered
          const stored = address("counter/left%20behind")
          expect(yield* system.list("counter")).toMatchObject([{ address: stored, state: "idle", processed: 0 }])
          const detail = yield* system.inspect(stored)
          expect(detail).toMatchObject({ durable: true, stateValue: 3, waiting: [], failures: [] })
          expect(detail.startedAt).toBeUndefined()
          expect(Schema.is(ActorDetail)(detail)).toBe(true)
          expect(system.totals().activeActors).toBe(0)
          expect(yield* Effect.flip(system.inspect(address("counter/never-was")))).toMatchObject({
            _tag: "AddressUnknown"
          })
        }),
        layer
      )
    })
  })
})

describe("an inspection", () => {
  it.effect("shows state, what waits, and since when, in the words of the contract", () =>
    run(
      Effect.gen(function* () {
        const system = yield* registered
        const counter = system.ref(Counter, "c")
        yield* counter.add(5)
        yield* Effect.forkChild(counter.wait(yield* Deferred.make<void>()))
        yield* Effect.yieldNow
        for (let i = 0; i < 3; i++) yield* counter.tell.add(i)
        const detail = yield* system.inspect(counter.address)
        expect(detail).toMatchObject({
          state: "running",
          mailbox: 3,
          stateValue: 5,
          waiting: ["add", "add", "add"],
          durable: false,
          startedAt: "1970-01-01T00:00:00.000Z",
          messages: ["add", "fail", "map", "wait"]
        })
        expect(Schema.is(ActorDetail)(detail)).toBe(true)
        expect(system.totals()).toMatchObject({ mailboxDepth: 3, processed: 1, activeActors: 1 })
      })
    )
  )

  it.effect("of an address that nobody has names the nearest, and a malformed one says what is wrong", () =>
    run(
      Effect.gen(function* () {
        const system = yield* registered
        yield* system.ref(Counter, "cart-42").add(1)
        const typo = yield* Effect.flip(system.inspect(address("counter/cart-43")))
        expect(typo).toMatchObject({ _tag: "AddressUnknown", nearest: [address("counter/cart-42")] })
        const kind = yield* Effect.flip(system.inspect(address("countr/cart-42")))
        expect(kind.message).toContain(`Did you mean ${address("counter/cart-42")}`)
        expect(yield* Effect.flip(system.inspect("counter/cart-42"))).toMatchObject({ _tag: "AddressMalformed" })
        expect(yield* Effect.flip(system.inspect("continuum://elsewhere/counter/cart-42"))).toMatchObject({
          _tag: "AddressUnknown"
        })
        expect(yield* Effect.flip(system.restart(address("counter/cart-43")))).toMatchObject({ _tag: "AddressUnknown" })
      })
    )
  )
})

describe("an ask by name", () => {
  it.effect("passes plain data to a plain actor, activates it, and refuses what is not plain", () =>
    run(
      Effect.gen(function* () {
        const system = yield* registered
        expect(yield* system.askUnknown(address("counter/new"), "add", 2)).toBe(2)
        const refused = yield* Effect.flip(system.askUnknown(address("counter/new"), "add", { n: new Map() }))
        expect(refused).toMatchObject({ _tag: "PayloadMalformed", reason: "payload.n is a Map, not a plain object" })
        const reply = yield* Effect.flip(system.askUnknown(address("counter/new"), "map", null))
        expect(reply.message).toContain("the message was handled, but its reply cannot travel: reply is a Map")
      })
    )
  )

  it.effect("decodes the payload of an actor with schemas and encodes its reply and its errors", () =>
    run(
      Effect.gen(function* () {
        const system = yield* registered
        const at = "2026-01-02T03:04:05.000Z"
        expect(yield* system.askUnknown(address("clock/c"), "set", { at })).toBe(at)
        expect(yield* system.askUnknown(address("clock/c"), "get", null)).toBe(at)
        const malformed = yield* Effect.flip(system.askUnknown(address("clock/c"), "set", { at: 7 }))
        expect(malformed).toMatchObject({ _tag: "PayloadMalformed", messageName: "set" })
        expect(malformed.message).toContain("at")
        const failed = yield* Effect.flip(
          system.askUnknown(address("clock/c"), "set", { at: "1969-01-01T00:00:00.000Z" })
        )
        expect(failed).toBeInstanceOf(HandlerFailed)
        expect(failed).toMatchObject({ error: { _tag: "Refused", at: "1969-01-01T00:00:00.000Z" } })
      })
    )
  )

  it.effect("gives an expected failure of a plain actor as data", () =>
    run(
      Effect.gen(function* () {
        const system = yield* registered
        const failed = yield* Effect.flip(system.askUnknown(address("counter/c"), "fail", null))
        expect(failed).toMatchObject({
          _tag: "HandlerFailed",
          messageName: "fail",
          error: { code: 7, when: "(a Date)" }
        })
      })
    )
  )

  it.effect("of an unknown kind, message or form of address fails with what would be right", () =>
    run(
      Effect.gen(function* () {
        const system = yield* registered
        const message = yield* Effect.flip(system.askUnknown(address("counter/c"), "sub", 1))
        expect(message).toMatchObject({ _tag: "MessageUnknown", known: ["add", "fail", "map", "wait"] })
        expect(yield* Effect.flip(system.askUnknown(address("clok/c"), "get", 1))).toMatchObject({
          _tag: "AddressUnknown",
          nearest: [address("clock/c")]
        })
        expect(yield* Effect.flip(system.askUnknown("nonsense", "get", 1))).toMatchObject({ _tag: "AddressMalformed" })
        // Whatever it fails with, the contract can carry it.
        expect(Schema.is(ActorError)(message)).toBe(true)
      })
    )
  )
})

describe("dead letters", () => {
  it.effect("are listed in the words of the contract", () =>
    run(
      Effect.gen(function* () {
        const system = yield* registered
        yield* system.ref(Counter, "c").tell.fail()
        yield* Effect.yieldNow
        const letters = yield* system.deadLetters
        expect(letters).toHaveLength(1)
        expect(Schema.is(Schema.Array(DeadLetter))(letters)).toBe(true)
        expect(system.totals().deadLetters).toBe(1)
      })
    )
  )
})
