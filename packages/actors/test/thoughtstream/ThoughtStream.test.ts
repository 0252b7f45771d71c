import { describe, expect, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../../src/Actor.ts"
import { ActorSystem } from "../../src/ActorSystem.ts"
import { turnWaitBoundMs } from "../../src/thoughtstream/Ageing.ts"
import type { AiProcess } from "../../src/thoughtstream/AiProcess.ts"
import * as Quantum from "../../src/thoughtstream/Quantum.ts"
import { type Options, type Request, ThoughtStream } from "../../src/thoughtstream/ThoughtStream.ts"

const process = (digit: number, confidence: number, change: Partial<AiProcess> = {}): AiProcess => ({
  personaId: `00000000-0000-4000-8000-00000000000${digit}`,
  priority: 128,
  confidence,
  latencyMs: 1_000,
  costTokens: 500,
  state: "ready",
  ...change
})
const helper = process(1, 0.3)
const teacher = process(2, 0.4)
const coder = process(3, 0.9)
const all = [helper, teacher, coder].map(({ personaId }) => personaId)

const started = (options: Options = {}) =>
  Effect.gen(function* () {
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
    const layer = Layer.provideMerge(ThoughtStream.layer(options), ActorSystem.layerWithoutStorage())
    const context = yield* Layer.buildWithScope(layer, scope)
    yield* Effect.yieldNow
    return { stream: Context.get(context, ThoughtStream), system: Context.get(context, ActorSystem), context }
  })

type Stream = ThoughtStream["Service"]

/** Bids, and holds the turn until the returned effect ends it; `result` is what came of the bid so far. */
const bidder = (stream: Stream, request: Request) =>
  Effect.gen(function* () {
    const end = yield* Deferred.make<void, string>()
    let result: boolean | undefined
    const fiber = yield* Effect.forkChild(
      Effect.exit(
        Effect.scoped(
          Effect.flatMap(stream.requestTurn(request), (isGranted) => {
            result = isGranted
            return isGranted ? Deferred.await(end) : Effect.void
          })
        )
      )
    )
    return {
      result: () => result,
      done: Effect.andThen(Deferred.succeed(end, undefined), Fiber.join(fiber)),
      die: Effect.andThen(Deferred.die(end, new Error("it died")), Fiber.join(fiber)),
      kill: Fiber.interrupt(fiber),
      ended: Fiber.join(fiber)
    }
  })

const bidders = (stream: Stream, turnId: string, processes: ReadonlyArray<AiProcess>, more: Partial<Request> = {}) =>
  Effect.forEach(processes, (process) => bidder(stream, { process, turnId, ...more }))

const results = (some: ReadonlyArray<{ readonly result: () => boolean | undefined }>) =>
  some.map(({ result }) => result())

describe("a turn in a conversation", () => {
  it.effect("goes to the best of Helper, Teacher and Coder, and the others stay silent", () =>
    Effect.gen(function* () {
      const { stream } = yield* started()
      const three = yield* bidders(stream, "chat/1", [helper, teacher, coder], { invited: all })
      yield* Effect.yieldNow
      expect(results(three)).toEqual([undefined, undefined, true])
      yield* three[2]!.done
      yield* Effect.yieldNow
      expect(results(three)).toEqual([false, false, true])
      // Losers' scores can be read.
      expect(stream.trace.entries[0]).toMatchObject({
        _tag: "Decision",
        why: "all answered",
        bids: [coder, teacher, helper].map(({ personaId }) => ({ personaId }))
      })
    })
  )

  it.effect("is decided when all invited have answered, before the window ends, by a bid or by a no", () =>
    Effect.gen(function* () {
      const { stream } = yield* started()
      const two = yield* bidders(stream, "chat/1", [helper, teacher], { invited: all })
      yield* TestClock.adjust(19)
      expect(results(two)).toEqual([undefined, undefined])
      yield* stream.decline("chat/1", coder.personaId)
      yield* Effect.yieldNow
      expect(results(two)).toEqual([undefined, true])
    })
  )

  it.effect("is decided after 20 ms when somebody does not answer, and not a millisecond before", () =>
    Effect.gen(function* () {
      const { stream } = yield* started()
      const two = yield* bidders(stream, "chat/1", [helper, teacher], { invited: all })
      yield* TestClock.adjust(19)
      expect(results(two)).toEqual([undefined, undefined])
      yield* TestClock.adjust(1)
      expect(results(two)).toEqual([undefined, true])
      // Too late, and yet heard when it is over.
      const late = yield* bidder(stream, { process: coder, turnId: "chat/1" })
      yield* Effect.yieldNow
      expect(late.result()).toBeUndefined()
      yield* two[1]!.done
      yield* late.ended
      expect(late.result()).toBe(false)
      const afterwards = yield* bidder(stream, { process: coder, turnId: "chat/1" })
      yield* afterwards.ended
      expect(afterwards.result()).toBe(false)
    })
  )

  it.effect("goes at once to the persona that was called by its name", () =>
    Effect.gen(function* () {
      const { stream } = yield* started()
      const named = { invited: all, named: helper.personaId }
      const two = yield* bidders(stream, "chat/1", [coder, helper], named)
      yield* Effect.yieldNow
      expect(results(two)).toEqual([undefined, true])
      expect(stream.trace.entries[0]).toMatchObject({ why: "named" })
    })
  )

  it.effect("goes to the same one whatever the order of equal bids", () =>
    Effect.gen(function* () {
      const equal = [1, 2, 3].map((digit) => process(digit, 0.5))
      for (const [index, order] of [equal, equal.toReversed(), [equal[1]!, equal[2]!, equal[0]!]].entries()) {
        const { stream } = yield* started()
        const three = yield* bidders(stream, `chat/${index}`, order, { invited: all })
        yield* Effect.yieldNow
        expect(order[results(three).indexOf(true)]!.personaId).toBe(equal[0]!.personaId)
      }
    })
  )

  for (const how of ["die", "kill"] as const) {
    it.effect(`goes to the next best when the one that has it is ${how === "die" ? "dead" : "interrupted"}`, () =>
      Effect.gen(function* () {
        const { stream } = yield* started()
        const three = yield* bidders(stream, "chat/1", [helper, teacher, coder], { invited: all })
        yield* Effect.yieldNow
        yield* three[2]![how]
        yield* Effect.yieldNow
        expect(results(three)).toEqual([undefined, true, true])
        yield* three[1]!.done
        yield* three[0]!.ended
        expect(results(three)).toEqual([false, true, true])
        expect(stream.trace.entries.map((entry) => (entry._tag === "Span" ? entry.end : entry.why))).toEqual([
          "all answered",
          "died",
          "the one before died",
          "done"
        ])
      })
    )
  }

  it.effect("goes to one that bids late when all that bid before it died, and to nobody once it was answered", () =>
    Effect.gen(function* () {
      const { stream } = yield* started()
      const [early] = yield* bidders(stream, "chat/1", [coder], { invited: all })
      yield* TestClock.adjust(20)
      expect(early!.result()).toBe(true)
      yield* early!.die
      const [late] = yield* bidders(stream, "chat/1", [helper], { invited: all })
      yield* TestClock.adjust(20)
      expect(late!.result()).toBe(true)
      yield* late!.done
      const [tooLate] = yield* bidders(stream, "chat/1", [teacher], { invited: all })
      yield* TestClock.adjust(20)
      expect(tooLate!.result()).toBe(false)
    })
  )

  it.effect(
    "is freed when the actor that has it crashes in its handler: the actor restarts, the next one is served",
    () =>
      Effect.gen(function* () {
        const { context, system } = yield* started()
        const answers: Array<string> = []
        const Persona = yield* system
          .register(
            Actor.actor("persona", {
              state: 0,
              answer: (state, process: AiProcess) =>
                Effect.gen(function* () {
                  const stream = yield* ThoughtStream
                  const next = yield* stream.withTurn(
                    { process, turnId: "chat/1", invited: [helper.personaId, coder.personaId] },
                    Effect.gen(function* () {
                      yield* Effect.sleep(10)
                      if (process.confidence > 0.5) return yield* Effect.die(new Error("out of memory"))
                      answers.push(process.personaId)
                      return state + 1
                    })
                  )
                  return next ?? state
                })
            })
          )
          .pipe(Effect.provideContext(context))
        const asks = yield* Effect.forkChild(
          Effect.all(
            [system.ref(Persona, "coder").answer(coder), system.ref(Persona, "helper").answer(helper)].map(Effect.exit),
            { concurrency: "unbounded" }
          )
        )
        yield* TestClock.adjust(100)
        const [coderExit, helperExit] = yield* Fiber.join(asks)
        expect(Exit.isFailure(coderExit!)).toBe(true)
        expect(helperExit).toEqual(Exit.succeed(1))
        expect(answers).toEqual([helper.personaId])
        expect((yield* system.inspect("continuum://local/persona/coder")).restarts).toBe(1)
      })
  )

  it.effect("is taken away when it takes too long, and its tokens are refused", () =>
    Effect.gen(function* () {
      const { stream } = yield* started({ turnMsMax: 1_000 })
      const two = yield* bidders(stream, "chat/1", [helper, coder], {
        invited: [helper, coder].map((p) => p.personaId)
      })
      yield* TestClock.adjust(999)
      yield* stream.tokens("chat/1", coder.personaId, 1)
      expect(results(two)).toEqual([undefined, true])
      yield* TestClock.adjust(1)
      expect(results(two)).toEqual([true, true])
      const lost = yield* Effect.flip(stream.tokens("chat/1", coder.personaId, 1))
      expect(lost).toMatchObject({ _tag: "TurnLost", turnMsMax: 1_000 })
      // What it does now with a turn that is not its own changes nothing.
      yield* two[1]!.done
      yield* stream.tokens("chat/1", helper.personaId, 1)
    })
  )

  it.effect("is refused to a second bid of one persona, and to what needs more than there is", () =>
    Effect.gen(function* () {
      const { stream } = yield* started({ budget: { memoryBytes: 10 } })
      yield* bidder(stream, { process: coder, turnId: "chat/1" })
      yield* Effect.yieldNow
      const bid = (request: Request) => Effect.flip(Effect.scoped(stream.requestTurn(request)))
      expect(yield* bid({ process: coder, turnId: "chat/1" })).toMatchObject({ _tag: "BidTwice" })
      const need = { memoryBytes: 11, tokens: 0 }
      expect(yield* bid({ process: helper, turnId: "chat/1", need })).toMatchObject({ _tag: "BudgetTooSmall" })
    })
  )

  it.effect("outlives a restart of the service that keeps its time", () =>
    Effect.gen(function* () {
      const { stream, system } = yield* started()
      const two = yield* bidders(stream, "chat/1", [helper, teacher], { invited: all })
      yield* TestClock.adjust(10)
      yield* system.restart("continuum://local/service/thoughtstream")
      yield* TestClock.adjust(10)
      expect(results(two)).toEqual([undefined, true])
    })
  )
})

describe("a process", () => {
  it.effect("is ready while it bids, running in its turn, blocked when it says so, and sleeps afterwards", () =>
    Effect.gen(function* () {
      const { stream } = yield* started()
      const state = Effect.map(stream.process(coder.personaId), (process) => process?.state)
      expect(yield* state).toBeUndefined()
      const one = yield* bidder(stream, { process: coder, turnId: "chat/1" })
      yield* Effect.yieldNow
      expect(yield* state).toBe("ready")
      yield* TestClock.adjust(20)
      expect(yield* state).toBe("running")
      yield* stream.setBlocked(coder.personaId, true)
      expect(yield* state).toBe("blocked")
      yield* stream.setBlocked(coder.personaId, false)
      expect(yield* state).toBe("running")
      yield* one.done
      expect(yield* state).toBe("sleeping")
    })
  )

  it.effect("is known by the latency and cost that were measured, which its next bid goes by", () =>
    Effect.gen(function* () {
      const { stream } = yield* started()
      const one = yield* bidder(stream, { process: coder, turnId: "chat/1", named: coder.personaId })
      yield* Effect.yieldNow
      yield* stream.tokens("chat/1", coder.personaId, 1_000)
      yield* TestClock.adjust(6_000)
      yield* one.done
      expect(yield* stream.process(coder.personaId)).toMatchObject({ latencyMs: 2_000, costTokens: 600 })
      yield* bidder(stream, { process: coder, turnId: "chat/2", named: coder.personaId })
      yield* Effect.yieldNow
      expect(yield* stream.process(coder.personaId)).toMatchObject({ latencyMs: 2_000, costTokens: 600 })
    })
  )

  it.effect("has one turn at a time: where it is busy another one is served, or the turn waits for it", () =>
    Effect.gen(function* () {
      const { stream } = yield* started({ budget: { slots: 5 } })
      const first = yield* bidder(stream, { process: coder, turnId: "a", named: coder.personaId })
      yield* Effect.yieldNow
      const alone = yield* bidder(stream, { process: coder, turnId: "b", named: coder.personaId })
      const two = yield* bidders(stream, "c", [coder, helper], { invited: [coder, helper].map((p) => p.personaId) })
      yield* TestClock.adjust(50)
      expect([first.result(), alone.result(), ...results(two)]).toEqual([true, undefined, undefined, true])
      yield* first.done
      yield* Effect.yieldNow
      expect(alone.result()).toBe(true)
    })
  )

  it.effect("may be one of many of a process that is allowed them, and each of them ages by itself", () =>
    Effect.gen(function* () {
      const { stream } = yield* started({ turnsPerProcess: 10, budget: { slots: 2 } })
      const three = yield* Effect.forEach(["a", "b", "c"], (turnId) =>
        bidder(stream, { process: coder, turnId, named: coder.personaId, name: "Coder" })
      )
      yield* TestClock.adjust(1_000)
      expect(results(three)).toEqual([true, true, undefined])
      expect((yield* stream.process(coder.personaId))!.state).toBe("running")
      const queued = (yield* stream.queue).map(({ effectivePriority, ms, name, phase, turnId }) => [
        name,
        turnId,
        phase,
        ms,
        effectivePriority
      ])
      expect(queued).toEqual([
        ["Coder", "a", "runs", 1_000, 128],
        ["Coder", "b", "runs", 1_000, 128],
        ["Coder", "c", "waits", 1_000, 129]
      ])
      // Later than "c", and not ready for as long.
      const late = yield* bidder(stream, { process: coder, turnId: "d", named: coder.personaId })
      yield* three[0]!.done
      yield* Effect.yieldNow
      expect([three[2]!.result(), late.result()]).toEqual([true, undefined])
      yield* three[1]!.die
      yield* Effect.yieldNow
      expect(late.result()).toBe(true)
      yield* three[2]!.done
      expect((yield* stream.process(coder.personaId))!.state).toBe("running")
      yield* late.done
      expect((yield* stream.process(coder.personaId))!.state).toBe("sleeping")
      expect(yield* stream.queue).toEqual([])
    })
  )

  it.effect("begins within its bound while better ones never cease", () =>
    Effect.gen(function* () {
      const slots = 2
      const turnMs = 1_000
      const { stream } = yield* started({ turnsPerProcess: 100, budget: { slots } })
      const urgent = process(4, 0.5, { priority: 250 })
      let turns = 0
      const endless = Effect.forever(
        Effect.suspend(() =>
          stream.withTurn(
            { process: urgent, turnId: `urgent/${turns++}`, named: urgent.personaId },
            Effect.sleep(turnMs)
          )
        )
      )
      // One more than there are slots: a better one always waits.
      yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: slots + 1 }, () => endless),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust(500)
      const low = process(5, 0.5, { priority: 200 })
      const bid = yield* bidder(stream, { process: low, turnId: "low", named: low.personaId })
      const before = slots + 1
      let waitedMs = 0
      while (bid.result() === undefined && waitedMs < 100_000) {
        yield* TestClock.adjust(100)
        waitedMs += 100
      }
      expect(waitedMs).toBeGreaterThan((urgent.priority - low.priority - 2) * 1_000)
      expect(waitedMs).toBeLessThanOrEqual(turnWaitBoundMs(low.priority, before, slots, turnMs))
      yield* bid.done
    })
  )
})

describe("a slot", () => {
  it.effect("is given up at the next token for a better process, and the turn goes on where it stopped", () =>
    Effect.gen(function* () {
      const { stream } = yield* started()
      const log: Array<string> = []
      const speak = (name: string, process: AiProcess, words: number) =>
        Effect.forkChild(
          stream.withTurn(
            { process, turnId: name, named: process.personaId },
            Effect.gen(function* () {
              for (let word = 1; word <= words; word++) {
                yield* Effect.sleep(100)
                log.push(`${name} ${word}`)
                yield* Quantum.tokens(1)
              }
            })
          )
        )
      const slow = yield* speak("slow", process(1, 0.5, { priority: 100 }), 4)
      yield* TestClock.adjust(250)
      const urgent = yield* speak("urgent", process(2, 0.5, { priority: 200 }), 2)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(slow)
      yield* Fiber.join(urgent)
      expect(log).toEqual(["slow 1", "slow 2", "slow 3", "urgent 1", "urgent 2", "slow 4"])
      expect(
        stream.trace.entries.flatMap((entry) => (entry._tag === "Span" ? [`${entry.turnId} ${entry.end}`] : []))
      ).toEqual(["slow suspended", "urgent done", "slow done"])
    })
  )

  it.effect("is not given up for an equal or a worse one", () =>
    Effect.gen(function* () {
      const { stream } = yield* started()
      const holder = yield* bidder(stream, { process: process(1, 0.5), turnId: "a", named: process(1, 0.5).personaId })
      const other = yield* bidder(stream, { process: process(2, 0.9), turnId: "b", named: process(2, 0.9).personaId })
      yield* Effect.yieldNow
      yield* stream.tokens("a", process(1, 0.5).personaId, 1)
      expect([holder.result(), other.result()]).toEqual([true, undefined])
    })
  )

  it.effect("comes to everyone that waits: after 255 seconds nobody is better, and the longest waiting is next", () =>
    Effect.gen(function* () {
      const { stream } = yield* started()
      const low = process(1, 0.5, { priority: 0 })
      let turn = 0
      const greedy = Effect.forever(
        Effect.suspend(() => {
          const process_ = process(2 + (turn % 2), 0.9, { priority: 255 })
          return stream.withTurn(
            { process: process_, turnId: `greedy/${turn++}`, named: process_.personaId },
            Effect.sleep("1 second")
          )
        })
      )
      // Two at a time, so that one of them always waits.
      const fibers = [yield* Effect.forkChild(greedy), yield* Effect.forkChild(greedy)]
      yield* Effect.yieldNow
      const patient = yield* bidder(stream, { process: low, turnId: "patient", named: low.personaId })
      for (let second = 0; second < 254; second++) yield* TestClock.adjust("1 second")
      expect(patient.result()).toBeUndefined()
      for (let second = 0; second < 4; second++) yield* TestClock.adjust("1 second")
      expect(patient.result()).toBe(true)
      for (const fiber of fibers) yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("and tokens are not given beyond the budget", () =>
    Effect.gen(function* () {
      const { stream } = yield* started({ budget: { slots: 5, tokensPerMinute: 600 } })
      const need = { memoryBytes: 0, tokens: 400 }
      const two = yield* Effect.forEach([helper, coder], (process) =>
        bidder(stream, { process, turnId: process.personaId, named: process.personaId, need })
      )
      yield* Effect.yieldNow
      expect(results(two)).toEqual([true, undefined])
      yield* TestClock.adjust("19 seconds")
      expect(results(two)).toEqual([true, undefined])
      yield* TestClock.adjust("1 second")
      expect(results(two)).toEqual([true, true])
    })
  )
})
