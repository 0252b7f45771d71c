/**
 * AIs bid for the turns of conversations, while they die in their turns, give up waiting, count tokens and make way for better ones, the
 * scheduler is restarted and clocks jump. Never more turns run than there are slots, nor more memory is held than there is; each turn is
 * answered once, and nobody waits for ever.
 */
import { Effect, Exit, Fiber } from "effect"
import type { World } from "../../src/testing/Simulation.ts"
import type { AiProcess } from "../../src/thoughtstream/AiProcess.ts"
import * as Quantum from "../../src/thoughtstream/Quantum.ts"
import { serviceName, ThoughtStream } from "../../src/thoughtstream/ThoughtStream.ts"
import type { Program } from "./Programs.ts"

const personas = 5
const turns = 6
const memoryBytes = 10

const processOf = (world: World, digit: number): AiProcess => ({
  personaId: `00000000-0000-4000-8000-00000000000${digit}`,
  priority: world.below(256),
  confidence: world.below(101) / 100,
  latencyMs: 1 + world.below(2_000),
  costTokens: 1 + world.below(1_000),
  state: "ready"
})

/** What is seen of one turn. */
interface Seen {
  answers: number
  /** Bidders that were told that another one answers. */
  silent: number
  /** Bidders that left, and may have done so just when they had answered. */
  left: number
}

/** What one AI does in its turn, between its tokens: how often, for how long, and how it ends. */
const speech = (world: World, busy: { count: number }) =>
  Effect.gen(function* () {
    const running = <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.acquireUseRelease(
        Effect.sync(() => void busy.count++),
        () => effect,
        () => Effect.sync(() => void busy.count--)
      )
    for (let left = world.below(5); left > 0; left--) {
      yield* running(Effect.sleep(world.below(300)))
      yield* Quantum.tokens(1 + world.below(20))
    }
    const way = world.below(5)
    if (way === 0) return yield* Effect.die(new Error("died as told"))
    if (way === 1) return yield* Effect.fail("failed as told")
    return "answered"
  })

export const turnsUnderFire: Program = {
  name: "turns of AIs under fire",
  run: (world) =>
    Effect.gen(function* () {
      const node = yield* world.start("node")
      const slots = 1 + world.below(2)
      const busy = { count: 0 }
      const held = { bytes: 0 }
      const processes = Array.from({ length: personas }, (_, digit) => processOf(world, digit))
      const conversation = Effect.gen(function* () {
        const stream = yield* ThoughtStream

        const bid = (turnId: string, process: AiProcess, invited: ReadonlyArray<string>, seen: Seen) =>
          Effect.gen(function* () {
            yield* Effect.sleep(world.below(30))
            const bytes = world.below(memoryBytes + 1)
            const turn = stream.withTurn(
              { process, turnId, invited, need: { memoryBytes: bytes, tokens: 0 } },
              Effect.acquireUseRelease(
                Effect.sync(() => void (held.bytes += bytes)),
                () => speech(world, busy),
                () => Effect.sync(() => void (held.bytes -= bytes))
              )
            )
            const patience = world.happens(0.2) ? world.below(500) : 3_600_000
            const exit = yield* Effect.exit(Effect.timeoutOption(turn, patience))
            if (!Exit.isSuccess(exit)) return
            if (exit.value._tag === "None") seen.left++
            else if (exit.value.value === undefined) seen.silent++
            else seen.answers++
          })

        const watch = Effect.gen(function* () {
          for (;;) {
            yield* Effect.sleep(1 + world.below(20))
            yield* world.expect(
              `no more turns run than there are slots (${busy.count} of ${slots})`,
              busy.count <= slots
            )
            yield* world.expect(`no more memory is held than there is (${held.bytes})`, held.bytes <= memoryBytes)
          }
        })

        const fire = Effect.gen(function* () {
          for (let left = world.below(4); left > 0; left--) {
            yield* Effect.sleep(world.below(1_000))
            if (world.happens(0.5))
              yield* Effect.ignore(node.system.restart(`continuum://local/service/${serviceName}`))
            else node.jumpClock(world.below(20_000) - 10_000)
          }
        })

        const turn = (at: number) =>
          Effect.gen(function* () {
            yield* Effect.sleep(world.below(1_000))
            const bidders = processes.filter(() => world.happens(0.6))
            const seen: Seen = { answers: 0, silent: 0, left: 0 }
            const invited = bidders.map(({ personaId }) => personaId)
            const bids = bidders.map((process) => bid(`turn/${at}`, process, invited, seen))
            yield* Effect.all(bids, { concurrency: "unbounded" })
            yield* world.expect(`a turn is answered once at most (${seen.answers})`, seen.answers <= 1)
            yield* world.expect(
              "nobody stays silent for a turn that nobody answers",
              seen.silent === 0 || seen.answers === 1 || seen.left > 0
            )
          })

        const firing = yield* Effect.forkChild(fire)
        const all = Effect.all(
          Array.from({ length: turns }, (_, at) => turn(at)),
          { concurrency: "unbounded" }
        )
        // Ends when the turns have, or fails when either does.
        yield* Effect.raceFirst(all, watch)
        yield* Fiber.join(firing)
        yield* world.expect("what turns held is free again", busy.count === 0 && held.bytes === 0)
      })
      const layer = ThoughtStream.layer({ budget: { slots, memoryBytes } })
      yield* Effect.catchTag(node.run(Effect.provide(conversation, layer)), "NodeCrashed", (error) => Effect.die(error))
    })
}
