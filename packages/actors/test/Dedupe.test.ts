import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { ActorStorage } from "../src/ActorStorage.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { Dedupe } from "../src/Dedupe.ts"

describe("the memory of taken messages", () => {
  it.effect("gives one claim for a message, also while it waits for a storage and its stream comes and goes", () =>
    Effect.gen(function* () {
      const memory = ActorStorageMemory.make(new Map())
      const slow: ActorStorage["Service"] = {
        ...memory,
        load: (address) => Effect.delay(memory.load(address), "10 millis")
      }
      const dedupe = new Dedupe(slow, () => 0)
      const judge = (sequence: number) =>
        Effect.forkChild(dedupe.judge("continuum://local/a/b", "local", { stream: "s", sequence }))
      const five = yield* judge(5)
      yield* TestClock.adjust("5 millis")
      const six = yield* judge(6)
      yield* TestClock.adjust("5 millis")
      const first = yield* Fiber.join(five)
      // Number 5 was refused, and its stream forgotten, while 6 is still being looked for.
      if (first._tag === "New") first.claim.settle(false)
      yield* TestClock.adjust("10 millis")
      const again = yield* judge(6)
      yield* TestClock.adjust("30 millis")
      expect([first._tag, (yield* Fiber.join(six))._tag]).toEqual(["New", "New"])
      // It waits for what comes of the claim.
      expect(again.pollUnsafe()).toBeUndefined()
      yield* Fiber.interrupt(again)
    })
  )
})
