import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Actor from "../src/Actor.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import { deepFreeze } from "../src/Freeze.ts"

describe("deepFreeze", () => {
  it("freezes arrays and plain objects in depth, cycles too, and leaves instances and bytes alone", () => {
    class Instance {
      value = 1
    }
    const value = {
      list: [{ n: 1 }],
      bytes: new Uint8Array(2),
      instance: new Instance(),
      self: undefined as unknown,
      date: new Date(0)
    }
    value.self = value
    expect(deepFreeze(value)).toBe(value)
    expect([value, value.list, value.list[0]].every(Object.isFrozen)).toBe(true)
    value.bytes[0] = 1
    value.instance.value = 2
    expect([value.bytes[0], value.instance.value]).toEqual([1, 2])
    for (const plain of [undefined, null, 1, "text", true, 1n]) expect(deepFreeze(plain)).toBe(plain)
  })
})

const Careless = Actor.actor("careless", {
  state: { items: [] as Array<string> },
  // Each of these works on a copy, and would be wrong on the original.
  changePayload: (state, list: Array<string>) => {
    list.push("mine")
    return state
  },
  changeState: (state) => {
    state.items.push("mine")
    return state
  },
  give: (state) => state
})

const run = <A, E>(freeze: boolean, effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, ActorSystem.layerWithoutStorage({ freeze }))

describe("a system that freezes", () => {
  for (const message of ["changePayload", "changeState"] as const) {
    it.effect(`fails a handler that does ${message}, as it would go wrong between machines`, () =>
      run(
        true,
        Effect.gen(function* () {
          const careless = (yield* ActorSystem).ref(Careless, "c")
          const ask = message === "changePayload" ? careless.changePayload([]) : careless.changeState()
          const error = yield* Effect.flip(ask)
          expect(error).toMatchObject({ _tag: "ActorFailed" })
          expect(error.message).toContain("TypeError")
        })
      )
    )
  }

  it.effect("freezes what the asker gets and what it gave", () =>
    run(
      true,
      Effect.gen(function* () {
        const careless = (yield* ActorSystem).ref(Careless, "c")
        const given = ["a"]
        yield* Effect.flip(careless.changePayload(given))
        expect(Object.isFrozen(given)).toBe(true)
        const Echo = Actor.actor("echo", { state: 0, echo: (state, n: number) => Actor.reply(state, { n: [n] }) })
        const reply = yield* (yield* ActorSystem).ref(Echo, "e").echo(1)
        expect(Object.isFrozen(reply) && Object.isFrozen(reply.n)).toBe(true)
      })
    )
  )

  it.effect("can be told not to, and then trusts its handlers", () =>
    run(
      false,
      Effect.gen(function* () {
        const careless = (yield* ActorSystem).ref(Careless, "c")
        const given: Array<string> = []
        yield* careless.changePayload(given)
        expect(given).toEqual(["mine"])
      })
    )
  )
})
