import { assert, describe, it } from "@effect/vitest"
import * as ContentId from "@continuum/core/ContentId"
import { Backend, type Chunk, collect } from "@continuum/genome/backend/Backend"
import { BackendBusy, type BackendError } from "@continuum/genome/backend/BackendError"
import * as BackendUses from "@continuum/genome/backend/BackendUses"
import { Effect, Exit, Fiber, Stream } from "effect"

const contentId = ContentId.of("a layer")
const turns = [{ role: "user" as const, content: "x" }]
const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 1, ttftMs: 1, ms: 1 }
const end: Chunk = { _tag: "End", reason: "stop", usage }

/** A backend whose answers are these. */
const counting = (answer: Stream.Stream<Chunk, BackendError>) =>
  BackendUses.count(
    Backend.of({
      capabilities: Effect.die(new Error("not asked")),
      countTokens: () => Effect.succeed(0),
      load: () => Effect.succeed(contentId),
      unload: () => Effect.void,
      loaded: Effect.succeed([]),
      generate: () => answer
    })
  )

describe("the uses of layers", () => {
  it.effect("count answers that came to their end and those that failed, once each, by layer", () =>
    Effect.gen(function* () {
      const well = counting(Stream.make(end))
      const layers = [{ contentId }, { contentId, weight: 2 }]
      yield* collect(well.backend.generate({ turns, layers }))
      yield* collect(well.backend.generate({ turns }))
      assert.deepStrictEqual(well.usesOf(contentId), { active: 0, succeeded: 1, failed: 0 })
      const ill = counting(Stream.fail(new BackendBusy({ queueCapacity: 1 })))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(collect(ill.backend.generate({ turns, layers })))))
      assert.deepStrictEqual(ill.usesOf(contentId), { active: 0, succeeded: 0, failed: 1 })
      assert.deepStrictEqual(ill.usesOf(ContentId.of("another")), { active: 0, succeeded: 0, failed: 0 })
    })
  )

  it.effect("are active while an answer is computed; a client that goes counts as neither", () =>
    Effect.gen(function* () {
      const { backend, usesOf } = counting(Stream.never)
      const fiber = yield* Effect.forkChild(Stream.runDrain(backend.generate({ turns, layers: [{ contentId }] })))
      yield* Effect.yieldNow
      assert.strictEqual(usesOf(contentId).active, 1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(usesOf(contentId), { active: 0, succeeded: 0, failed: 0 })
    })
  )
})
