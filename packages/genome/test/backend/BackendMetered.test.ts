import * as ContentId from "@continuum/core/ContentId"
import * as Meter from "@continuum/core/Meter"
import { Backend, type Chunk, collect } from "@continuum/genome/backend/Backend"
import { BackendBusy, BackendFailed, type BackendError } from "@continuum/genome/backend/BackendError"
import * as BackendMetered from "@continuum/genome/backend/BackendMetered"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"

const [one, other] = [ContentId.of("one"), ContentId.of("other")]
const turns = [{ role: "user" as const, content: "12345" }]
const usage = { promptTokens: 7, cachedTokens: 0, completionTokens: 3, ttftMs: 1, ms: 1 }
const text = (text: string): Chunk => ({ _tag: "Text", text })
const end: Chunk = { _tag: "End", reason: "stop", usage }

/** A backend whose answers are these, and whose turns take two tokens more than they have letters. */
const metered = (answer: Stream.Stream<Chunk, BackendError>) =>
  Effect.map(Meter.Meter, (meter) => {
    const backend = Backend.of({
      capabilities: Effect.die(new Error("not asked")),
      countTokens: (turns) => Effect.succeed(turns.reduce((sum, { content }) => sum + content.length + 2, 0)),
      load: () => Effect.succeed(one),
      unload: () => Effect.void,
      loaded: Effect.succeed([]),
      generate: () => answer
    })
    return { ...BackendMetered.make(backend, meter), meter }
  })

const used = (meter: Meter.Meter["Service"]) =>
  Effect.map(meter.usages, (usages) => usages.map(({ account, amount, resource }) => [account, resource, amount]))

const layerAccount = (contentId: string) => `continuum://local/layer/${contentId}`

describe("a metered backend", () => {
  it.effect("counts tokens read and written, for the layer, for none and for several", () =>
    Effect.gen(function* () {
      const { backend, meter } = yield* metered(Stream.make(text("abc"), end))
      for (const layers of [undefined, [], [{ contentId: one }], [{ contentId: one }, { contentId: other }]]) {
        const answer = yield* collect(backend.generate(layers === undefined ? { turns } : { turns, layers }))
        assert.strictEqual(answer.text, "abc")
      }
      assert.deepStrictEqual(yield* used(meter), [
        [BackendMetered.bareAccount, "promptTokens", 14],
        [BackendMetered.bareAccount, "completionTokens", 6],
        [layerAccount(one), "promptTokens", 7],
        [layerAccount(one), "completionTokens", 3],
        [BackendMetered.severalAccount, "promptTokens", 7],
        [BackendMetered.severalAccount, "completionTokens", 3]
      ])
    }).pipe(Effect.provide(Meter.layerMemory()))
  )

  it.effect("counts what was told of an answer that was left or failed, and nothing of one that never began", () =>
    Effect.gen(function* () {
      const left = yield* metered(Stream.concat(Stream.make(text("ab"), text("c")), Stream.never))
      const fiber = yield* Effect.forkChild(Stream.runDrain(left.backend.generate({ turns })))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* used(left.meter), [
        [BackendMetered.bareAccount, "promptTokens", 7],
        [BackendMetered.bareAccount, "completionTokens", 3]
      ])
      const failed = yield* metered(
        Stream.concat(Stream.make(text("x")), Stream.fail(new BackendFailed({ reason: "killed" })))
      )
      assert.strictEqual((yield* Effect.flip(collect(failed.backend.generate({ turns }))))._tag, "BackendFailed")
      const refused = yield* metered(Stream.fail(new BackendBusy({ queueCapacity: 1 })))
      yield* Effect.flip(collect(refused.backend.generate({ turns })))
      // One meter for all three.
      assert.deepStrictEqual(yield* used(refused.meter), [
        [BackendMetered.bareAccount, "promptTokens", 14],
        [BackendMetered.bareAccount, "completionTokens", 4]
      ])
      assert.strictEqual(refused.firstText.count(), 0)
    }).pipe(Effect.provide(Meter.layerMemory()))
  )

  it.effect("keeps the time from the request to the first text, once an answer", () =>
    Effect.gen(function* () {
      const answer = Stream.concat(
        Stream.fromEffect(Effect.as(Effect.sleep("30 millis"), text("a"))),
        Stream.fromEffect(Effect.as(Effect.sleep("5 seconds"), text("b")))
      ).pipe(Stream.concat(Stream.make(end)))
      const { backend, firstText } = yield* metered(answer)
      for (let i = 0; i < 2; i++) {
        const fiber = yield* Effect.forkChild(Stream.runDrain(backend.generate({ turns })))
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(fiber)
      }
      assert.strictEqual(firstText.count(), 2)
      assert.closeTo(firstText.sum(), 0.06, 1e-9)
      const below = new Map(firstText.buckets())
      assert.deepStrictEqual([below.get(0.025), below.get(0.05), below.get(10)], [0, 2, 2])
    }).pipe(Effect.provide(Meter.layerMemory()))
  )
})
