import type { Delivery } from "@continuum/core/Delivery"
import { describe, expect, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer, References, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { actor, fromRpcs, reply } from "../src/Actor.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import { register, scenarios } from "../src/testing/RouterScenarios.ts"
import { Speaker } from "../src/testing/scenarios/StreamScenarios.ts"
import * as DeliveryPair from "./support/DeliveryPair.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

const systemOn = (delivery: Delivery["Service"] | undefined, nodeName = "local") =>
  Effect.map(
    Layer.build(
      Layer.provide(
        ActorSystem.layer({ stopTimeout: 50, nodeName, ...(delivery === undefined ? {} : { delivery }) }),
        ActorStorageMemory.layer
      )
    ),
    (context) => Context.get(context, ActorSystem)
  )

/** Two systems joined by a delivery; the first asks. */
const twoSystems = Effect.gen(function* () {
  const [ant, bee] = DeliveryPair.make()
  return { ant, bee, here: yield* systemOn(ant.delivery, "ant"), there: yield* systemOn(bee.delivery, "bee") }
})

class Rpcs extends RpcGroup.make(
  Rpc.make("add", { payload: { by: Schema.Number }, success: Schema.Number }),
  Rpc.make("forward", { payload: { to: Schema.String, by: Schema.Number }, success: Schema.Number }),
  Rpc.make("odd", { success: Schema.Number })
) {}

/** Counts; `forward` also tells another one, and adds to its own count. */
const Counter = fromRpcs("counter", Rpcs, {
  state: { schema: Schema.Number, initial: 0 },
  handlers: {
    add: (state, { by }) => state + by,
    forward: (
      state: number,
      { by, to }: { readonly to: string; readonly by: number }
    ): Effect.Effect<any, never, ActorSystem> =>
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* Effect.orDie(system.at(Counter, to).tell.add({ by }))
        return state + by
      }),
    odd: (state) => reply(state, "a text" as never)
  }
})

describe("an actor asked by its address does the same in this system and in another:", () => {
  for (const { expected, name, see } of scenarios) {
    it.live(name, () =>
      Effect.gen(function* () {
        const { ant, bee, here, there } = yield* twoSystems
        yield* Effect.provideService(register, ActorSystem, here)
        yield* Effect.provideService(register, ActorSystem, there)
        const places = [
          { realm: "local", back: "local", run: "local" },
          { realm: "ant", back: "local", run: "own-name" },
          { realm: ant.realm, back: "local", run: "own-key" },
          { realm: bee.realm, back: ant.realm, run: "key" },
          { realm: "bee", back: "ant", run: "name" }
        ]
        for (const place of places) {
          expect(yield* Effect.provideService(see(place), ActorSystem, here), place.run).toEqual(expected)
        }
      }).pipe(quiet)
    )
  }
})

describe("an actor of another realm", () => {
  it.live("that is a plain object answers NotExposed, and to its own realm as ever", () =>
    Effect.gen(function* () {
      const Plain = actor("plain", { state: 0, add: (state, n: number) => state + n })
      const { ant, bee, here, there } = yield* twoSystems
      yield* here.register(Plain)
      yield* there.register(Plain)
      const address = `continuum://${bee.realm}/plain/a`
      const error = yield* Effect.flip(here.at(Plain, address).add(1))
      expect(error).toMatchObject({ _tag: "NotExposed", address })
      expect(error.message).toContain("fromRpcs")
      expect((yield* Effect.flip(here.askUnknown(address, "add", 1)))._tag).toBe("NotExposed")
      expect(yield* here.at(Plain, `continuum://${ant.realm}/plain/a`).add(1)).toBe(1)
      expect((yield* there.list("plain")).length).toBe(0)
    }).pipe(quiet)
  )

  it.live("is unreachable without a mesh, by ref and by texts", () =>
    Effect.gen(function* () {
      const system = yield* systemOn(undefined)
      const address = "continuum://bee/counter/a"
      for (const asked of [system.at(Counter, address).add({ by: 1 }), system.askUnknown(address, "add", { by: 1 })]) {
        const error = yield* Effect.flip(asked)
        expect(error).toMatchObject({ _tag: "PeerUnreachable", peer: "bee" })
      }
      expect((yield* Effect.flip(system.at(Counter, address).tell.add({ by: 1 })))._tag).toBe("PeerUnreachable")
    }).pipe(quiet)
  )

  it.live("that is *, whoever offers it, is a typed error that says what to name instead", () =>
    Effect.gen(function* () {
      const { here } = yield* twoSystems
      const address = "continuum://*/counter/a"
      const counter = here.at(Counter, address)
      for (const asked of [
        counter.add({ by: 1 }),
        counter.tell.add({ by: 1 }),
        here.askUnknown(address, "add", { by: 1 })
      ]) {
        const error = yield* Effect.flip(asked as Effect.Effect<unknown, { readonly _tag: string; message: string }>)
        expect(error).toMatchObject({ _tag: "PeerUnreachable", peer: "*" })
        expect(error.message).toContain("name a node by its name or key")
      }
    }).pipe(quiet)
  )

  it.live("has an address that is one, of the kind that is defined; both are said when the ref is made", () =>
    Effect.gen(function* () {
      const { here } = yield* twoSystems
      expect(() => here.at(Counter, "continuum://bee/counter")).toThrow("is not an address")
      expect(() => here.at(Counter, "continuum://bee/count/a")).toThrow('is of kind "count"')
    }).pipe(quiet)
  )

  it.live("that answers with what the definition here does not describe is ActorFailed, and its state stands", () =>
    Effect.gen(function* () {
      const { bee, here, there } = yield* twoSystems
      yield* there.register(Counter)
      const counter = here.at(Counter, `continuum://${bee.realm}/counter/a`)
      yield* counter.add({ by: 1 })
      const error = yield* Effect.flip(counter.odd())
      expect(error).toMatchObject({ _tag: "ActorFailed", messageName: "odd" })
      expect(yield* counter.add({ by: 1 })).toBe(2)
    }).pipe(quiet)
  )

  it.live("that has a payload too large for an envelope says so before it is sent", () =>
    Effect.gen(function* () {
      class Texts extends RpcGroup.make(
        Rpc.make("put", { payload: { text: Schema.String }, success: Schema.Number })
      ) {}
      const Text = fromRpcs("text", Texts, {
        state: { schema: Schema.Number, initial: 0 },
        handlers: { put: (state) => state }
      })
      const { bee, here } = yield* twoSystems
      const text = here.at(Text, `continuum://${bee.realm}/text/a`)
      const error = yield* Effect.flip(text.put({ text: "x".repeat(17 * 1024 * 1024) }))
      expect(error._tag).toBe("PayloadMalformed")
      expect(error.message).toContain("more than the limit")
    }).pipe(quiet)
  )

  it.live("gets tells to nobody as dead letters over there", () =>
    Effect.gen(function* () {
      const { bee, here, there } = yield* twoSystems
      yield* here.at(Counter, `continuum://${bee.realm}/counter/a`).tell.add({ by: 1 })
      expect(yield* there.deadLetters).toMatchObject([{ address: "continuum://local/counter/a", messageName: "add" }])
    }).pipe(quiet)
  )

  it.live("is told by a durable actor only once the state of that one is stored", () =>
    Effect.gen(function* () {
      const [ant, bee] = DeliveryPair.make()
      const seen: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const delivery: Delivery["Service"] = {
        ...ant.delivery,
        tell: (envelope) => {
          seen.push("tell")
          return ant.delivery.tell(envelope)
        }
      }
      const here = yield* systemOn(delivery, "ant")
      const there = yield* systemOn(bee.delivery, "bee")
      const Told = fromRpcs("counter", Rpcs, {
        state: { schema: Schema.Number, initial: 0 },
        handlers: {
          add: (state, { by }) => state + by,
          forward: (
            state: number,
            { by, to }: { readonly to: string; readonly by: number }
          ): Effect.Effect<any, never, ActorSystem> =>
            Effect.gen(function* () {
              const system = yield* ActorSystem
              yield* Effect.orDie(system.at(Counter, to).tell.add({ by }))
              seen.push("told")
              yield* Deferred.await(gate)
              seen.push("end")
              return state + by
            }),
          odd: (state) => reply(state, 0)
        }
      })
      yield* here.register(Told)
      yield* there.register(Counter)
      const asking = yield* Effect.forkChild(
        here.ref(Told, "a").forward({ to: `continuum://${bee.realm}/counter/b`, by: 3 }),
        { startImmediately: true }
      )
      yield* Effect.sleep(20)
      expect(seen).toEqual(["told"])
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.sleep(20)
      expect(asking.pollUnsafe()).toBeDefined()
      expect(seen).toEqual(["told", "end", "tell"])
      expect(yield* there.ref(Counter, "b").add({ by: 0 })).toBe(3)
    }).pipe(quiet)
  )
})

describe("for code that uses Promises", () => {
  it("the same line asks here and there, and rejects with the same errors", async () => {
    const [ant, bee] = DeliveryPair.make()
    const here = await ActorSystem.start({ delivery: ant.delivery })
    const there = await ActorSystem.start({ delivery: bee.delivery })
    there.ref(Counter, "a")
    for (const realm of ["local", bee.realm]) {
      expect(await here.at(Counter, `continuum://${realm}/counter/a`).add({ by: 2 })).toBe(2)
      here.at(Counter, `continuum://${realm}/counter/a`).tell.add({ by: 3 })
      expect(await here.at(Counter, `continuum://${realm}/counter/a`).add({ by: 0 })).toBe(5)
    }
    there.ref(Speaker, "a")
    for (const realm of ["local", bee.realm]) {
      const seen: Array<number> = []
      const read = async () => {
        for await (const n of here.at(Speaker, `continuum://${realm}/scenario-speaker/a`).limited({ to: 3 }))
          seen.push(n)
      }
      await expect(read()).rejects.toMatchObject({ _tag: "TooMuch", limit: 3 })
      expect(seen).toEqual([1, 2, 3])
    }
    await expect(
      here.at(Counter, `continuum://${bee.realm}/counter/a`).add({ by: "1" as never })
    ).rejects.toMatchObject({
      _tag: "PayloadMalformed"
    })
    await here.stop()
    await there.stop()
  })
})
