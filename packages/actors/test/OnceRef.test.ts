import { describe, expect, it } from "@effect/vitest"
import { payloadDepthMax } from "@continuum/core/Limits"
import { Deferred, Effect, Fiber } from "effect"
import * as Actor from "../src/Actor.ts"
import { MailDisk } from "./support/MailDisk.ts"

const settle = Effect.repeat(Effect.yieldNow, { times: 50 })
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])

const Echo = Actor.actor(
  "echo",
  {
    state: 0,
    nest: (state, depth: number) => Actor.reply(state + 1, nested(depth)),
    nameless: (state) => Actor.reply(state + 1, Symbol("no plain data")),
    wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state) as Effect.Effect<number>,
    read: (state) => state
  },
  { mailbox: "durable" }
)
const Other = Actor.actor("other", { state: 0, increase: (state) => state + 1 })
const id = { stream: "s", sequence: 1 }

describe("a message that names itself, whose reply", () => {
  for (const depth of [payloadDepthMax - 2, payloadDepthMax - 1, payloadDepthMax]) {
    it.effect(`is nested ${depth} deep, is answered, and holds up nobody in the run queue`, () =>
      Effect.gen(function* () {
        const { system } = yield* new MailDisk().start()
        const latch = yield* Deferred.make<void>()
        // So that it waits in the mailbox, and is handled in a turn.
        yield* Effect.forkChild(system.ref(Echo, "o").wait(latch))
        yield* settle
        const asked = yield* Effect.forkChild(system.ref(Echo, "o", { id }).nest(depth))
        yield* settle
        yield* Deferred.succeed(latch, undefined)
        expect(yield* Fiber.join(asked)).toEqual(nested(depth))
        expect(yield* system.ref(Other, "x").increase()).toBe(1)
        const again = yield* Effect.exit(system.ref(Echo, "o", { id }).nest(depth))
        if (depth === payloadDepthMax - 2) expect(again).toMatchObject({ _tag: "Success", value: nested(depth) })
        else expect(String(again)).toContain("its reply was not kept")
        expect(yield* system.ref(Echo, "o").read()).toBe(1)
      })
    )
  }

  it.effect("is no plain data, fails, and is not taken for another one when the message comes again", () =>
    Effect.gen(function* () {
      const { system } = yield* new MailDisk().start()
      const echo = system.ref(Echo, "o", { id })
      expect(String(yield* Effect.exit(echo.nameless()))).toContain("ActorFailed")
      expect(String(yield* Effect.exit(echo.nameless()))).toContain("its reply was not kept")
      expect(yield* system.ref(Echo, "o").read()).toBe(1)
    })
  )
})
