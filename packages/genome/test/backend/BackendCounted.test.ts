import { assert, describe, it } from "@effect/vitest"
import * as ContentId from "@continuum/core/ContentId"
import { Backend, type Chunk, collect } from "@continuum/genome/backend/Backend"
import { BackendBusy, type BackendError } from "@continuum/genome/backend/BackendError"
import * as BackendCounted from "@continuum/genome/backend/BackendCounted"
import { Effect, Fiber, Stream } from "effect"

const [one, other] = [ContentId.of("one"), ContentId.of("other")]
const turns = [{ role: "user" as const, content: "x" }]
const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 1, ttftMs: 1, ms: 1 }
const end: Chunk = { _tag: "End", reason: "stop", usage }

/** A backend whose answers are these, and what it told. */
const counted = (answer: Stream.Stream<Chunk, BackendError>) => {
  const told: Array<readonly [ContentId.ContentId, boolean]> = []
  const backend = Backend.of({
    capabilities: Effect.die(new Error("not asked")),
    countTokens: () => Effect.succeed(0),
    load: () => Effect.succeed(one),
    unload: () => Effect.void,
    loaded: Effect.succeed([]),
    generate: () => answer
  })
  const onUsed = (contentId: ContentId.ContentId, success: boolean) =>
    Effect.sync(() => told.push([contentId, success]))
  return { backend: BackendCounted.make(backend, onUsed), told }
}

describe("a counted backend", () => {
  it.effect("tells each layer of an answer once, and whether the answer came to its end", () =>
    Effect.gen(function* () {
      const well = counted(Stream.make(end))
      const layers = [{ contentId: one }, { contentId: other }, { contentId: one, weight: 2 }]
      yield* collect(well.backend.generate({ turns, layers }))
      yield* collect(well.backend.generate({ turns }))
      assert.deepStrictEqual(well.told, [
        [one, true],
        [other, true]
      ])
      const ill = counted(Stream.fail(new BackendBusy({ queueCapacity: 1 })))
      yield* Effect.exit(collect(ill.backend.generate({ turns, layers: [{ contentId: one }] })))
      assert.deepStrictEqual(ill.told, [[one, false]])
    })
  )

  it.effect("tells nothing of an answer that its client left", () =>
    Effect.gen(function* () {
      const { backend, told } = counted(Stream.never)
      const fiber = yield* Effect.forkChild(Stream.runDrain(backend.generate({ turns, layers: [{ contentId: one }] })))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(told, [])
    })
  )
})
