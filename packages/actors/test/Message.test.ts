import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import * as Actor from "../src/Actor.ts"
import type { AskError } from "../src/ActorRef.ts"
import { ActorSystem } from "../src/ActorSystem.ts"

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, ActorSystem.layerWithoutStorage())

/** An actor that asks the next of a list of names to do the same with the rest. */
const Relay = Actor.actor("relay", {
  state: 0,
  pass: (state, names: ReadonlyArray<string>): Effect.Effect<number, AskError> =>
    Effect.gen(function* () {
      const [next, ...rest] = names
      if (next === undefined) return state
      const system = yield* ActorSystem
      return yield* system.ref(RelayRef, next).pass(rest)
    }) as Effect.Effect<number, AskError>,
  // The same for an async function, whose failures are crashes; so it tells what it got.
  passAsync: async (state, names: ReadonlyArray<string>, context): Promise<Actor.Reply<number, unknown>> => {
    const [next, ...rest] = names
    if (next === undefined) return Actor.reply(state, "end")
    return Actor.reply(
      state,
      await context
        .ref(RelayRef, next)
        .passAsync(rest)
        .catch((error: unknown) => error)
    )
  },
  tellBack: (state, name: string) =>
    Effect.gen(function* () {
      yield* (yield* ActorSystem).ref(RelayRef, name).tell.pass([])
      return state
    }) as Effect.Effect<number>
})
interface RelayMessages extends Actor.MessageTypes {
  readonly pass: Actor.MessageType<ReadonlyArray<string>, number, AskError>
  readonly passAsync: Actor.MessageType<ReadonlyArray<string>, unknown, never>
}
// A type of its own, because a definition that asks its own kind would otherwise refer to its own inference.
const RelayRef = Relay as unknown as Actor.Actor<"relay", number, RelayMessages>

/** An actor that asks the next one, and counts on the way back. */
const Chain = Actor.actor("chain", {
  state: 0,
  pass: (state, left: number): Effect.Effect<Actor.Reply<number, number>, AskError> =>
    left === 0
      ? Effect.succeed(Actor.reply(state, 0))
      : (Effect.gen(function* () {
          const next = (yield* ActorSystem).ref(ChainRef, `n${left}`)
          return Actor.reply(state, (yield* next.pass(left - 1)) + 1)
        }) as Effect.Effect<Actor.Reply<number, number>, AskError>)
})
const ChainRef = Chain as unknown as Actor.Actor<
  "chain",
  number,
  { readonly pass: Actor.MessageType<number, number, AskError> }
>

const address = (name: string) => `continuum://local/relay/${name}`

describe("a cycle of asks", () => {
  for (const [title, names, chain] of [
    ["of an actor that asks itself", ["a"], ["a", "a"]],
    ["of two", ["b", "a"], ["a", "b", "a"]],
    ["of three", ["b", "c", "a"], ["a", "b", "c", "a"]],
    ["that does not go through the first", ["b", "c", "d", "c"], ["c", "d", "c"]]
  ] as const) {
    it.effect(`${title} fails with AskCycle, which names the chain`, () =>
      run(
        Effect.gen(function* () {
          const error = yield* Effect.flip((yield* ActorSystem).ref(RelayRef, "a").pass(names))
          expect(error).toMatchObject({ _tag: "AskCycle", chain: chain.map(address) })
        })
      )
    )

    it.effect(`${title} is found in async handlers too`, () =>
      run(
        Effect.gen(function* () {
          const error = yield* (yield* ActorSystem).ref(RelayRef, "a").passAsync(names)
          expect(error).toMatchObject({ _tag: "AskCycle", chain: chain.map(address) })
        })
      )
    )
  }

  it.effect("is not seen where there is none: a chain of many actors, and one that was asked before", () =>
    run(
      Effect.gen(function* () {
        const relay = (yield* ActorSystem).ref(RelayRef, "a")
        expect(yield* relay.pass(Array.from({ length: 100 }, (_, i) => `r${i}`))).toBe(0)
        expect(yield* relay.pass(["b"])).toBe(0)
        expect(yield* (yield* ActorSystem).ref(RelayRef, "b").pass(["a"])).toBe(0)
      })
    )
  )

  it.effect("is not needed to answer along a chain of two thousand actors, whose answers all come back at once", () =>
    run(
      Effect.gen(function* () {
        expect(yield* (yield* ActorSystem).ref(ChainRef, "first").pass(2_000)).toBe(2_000)
      })
    )
  )

  it.effect("is no cycle when one of them only tells", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        expect(yield* system.ref(Relay, "a").tellBack("a")).toBe(0)
        yield* Effect.yieldNow
        expect(yield* system.inspect(address("a"))).toMatchObject({ processed: 2, failures: [] })
      })
    )
  )

  it.effect("is not seen by a fiber that outlives its handler, which holds nobody up", () => {
    const done = Deferred.makeUnsafe<number>()
    const Leaver = Actor.actor("leaver", {
      state: 7,
      leave: (state) =>
        Effect.gen(function* () {
          const system = yield* ActorSystem
          const late = Effect.gen(function* () {
            yield* Effect.yieldNow
            return yield* system.ref(LeaverRef, "l").get()
          })
          yield* Effect.forkDetach(Effect.flatMap(late, (value) => Deferred.succeed(done, value)))
          return state
        }) as Effect.Effect<number>,
      get: (state) => state
    })
    const LeaverRef = Leaver as unknown as Actor.Actor<
      "leaver",
      number,
      { readonly get: Actor.MessageType<void, number, never> }
    >
    return run(
      Effect.gen(function* () {
        yield* (yield* ActorSystem).ref(Leaver, "l").leave()
        expect(yield* Deferred.await(done)).toBe(7)
      })
    )
  })
})

describe("asks that wait for each other without a cycle", () => {
  it.effect("all get their answers", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const names = ["b", "c"]
        const asks = Array.from({ length: 50 }, (_, i) => system.ref(RelayRef, `a${i}`).pass(names))
        const fiber = yield* Effect.forkChild(Effect.all(asks, { concurrency: "unbounded" }))
        expect(yield* Fiber.join(fiber)).toEqual(asks.map(() => 0))
      })
    )
  )
})
