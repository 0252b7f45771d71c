/** Turns in a real node: which answer is given first where not all can be at once, and what it shows of that. */
import type { SchedulerQueue, SchedulerTrace } from "@continuum/actors/rpc"
import { turnWaitBoundMs } from "@continuum/actors/thoughtstream/Ageing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { generate } from "./Generate.ts"
import { start, temporaryFolder } from "./NodeProcess.ts"
import { done } from "./TwoNodes.ts"

type Span = Extract<SchedulerTrace["entries"][number], { readonly _tag: "Span" }>

describe("a node that gives one answer at a time", () => {
  it.live("serves an urgent question before those that wait, lets none wait beyond its bound, and draws it", () =>
    Effect.gen(function* () {
      const node = yield* start(yield* temporaryFolder, ["--turns", "1"])
      const queue = done<SchedulerQueue>(node, "scheduler.queue", {})
      const lowPriority = 10
      const ask = (prompt: string, priority: number, persona = "helper-ai") =>
        Effect.forkChild(
          // The bare model goes on until it may not any more.
          Effect.promise(() => generate(node, { prompt, persona, priority, layers: [], tokensMax: 60 }))
        )
      // The engine is ready after the first one.
      yield* Fiber.join(yield* ask("first", 128))
      const low = yield* Effect.forEach([1, 2, 3, 4], (n) => ask(`question ${n}`, lowPriority))
      let seen = yield* queue
      while (seen.turns.length < low.length) {
        yield* Effect.sleep("2 millis")
        seen = yield* queue
      }
      assert.deepStrictEqual(
        seen.turns.map(({ phase }) => phase),
        ["runs", "waits", "waits", "waits"]
      )
      assert.strictEqual(seen.slots, 1)
      const urgent = yield* ask("urgent", 250, "teacher-ai")
      for (const fiber of [urgent, ...low]) assert.isNotEmpty((yield* Fiber.join(fiber)).text)
      const trace = yield* done<SchedulerTrace>(node, "scheduler.trace", {})
      const spans = trace.entries.filter((entry): entry is Span => entry._tag === "Span").slice(1)
      const ofUrgent = spans.filter(({ name }) => name === "Teacher AI")
      assert.deepStrictEqual(
        ofUrgent.map(({ end }) => end),
        ["done"]
      )
      const [{ fromMs, toMs }] = ofUrgent as [Span]
      const turnOf = (span: Span) => spans.filter(({ turnId }) => turnId === span.turnId)
      const waited = spans.filter(
        (span) => span.name === "Helper AI" && turnOf(span).every((one) => one.fromMs >= toMs)
      )
      // One may have been running or been over; those behind it came after the urgent one.
      assert.isAtLeast(new Set(waited.map(({ turnId }) => turnId)).size, low.length - 2)
      for (const one of spans) {
        assert.isTrue(one.toMs <= fromMs || one.fromMs >= toMs || one === ofUrgent[0], "one at a time")
      }
      // No turn took longer than all of them together.
      const turnMs = Math.max(...spans.map((span) => span.toMs)) - Math.min(...spans.map((span) => span.fromMs))
      for (const { waitedMs } of spans) {
        assert.isAtMost(waitedMs, turnWaitBoundMs(lowPriority, low.length, 1, turnMs))
      }
      const bars = [...trace.svg.matchAll(/<rect [^>]*height="14"/g)]
      assert.strictEqual(bars.length, spans.length + 1)
      assert.include(trace.svg, ">Teacher AI</text>")
      assert.deepStrictEqual((yield* queue).turns, [])
    }).pipe(Effect.scoped)
  )

  it.live("records which actors have the thread when, and counts their turns", () =>
    Effect.gen(function* () {
      const node = yield* start(yield* temporaryFolder)
      const add = done<number>(node, "actors.ask", {
        address: "continuum://local/counter/c",
        messageName: "add",
        payload: 1
      })
      const recording = yield* Effect.forkChild(done<SchedulerTrace>(node, "scheduler.trace", { recordMs: 1_500 }))
      yield* Effect.sleep("200 millis")
      for (let n = 0; n < 5; n++) yield* add
      const { actorTurns, svg } = yield* Fiber.join(recording)
      const own = actorTurns.filter(({ address }) => address === "continuum://local/counter/c")
      assert.isNotEmpty(own)
      assert.include(svg, "counter/c</title>")
      const metrics = yield* Effect.promise(async () => (await fetch(`${node.url}/metrics`)).text())
      assert.match(metrics, /^continuum_actor_turns_total \d+$/m)
      assert.match(metrics, /^continuum_actors_ready \d+$/m)
      assert.match(metrics, /^continuum_answers_running 0$/m)
    }).pipe(Effect.scoped)
  )
})
