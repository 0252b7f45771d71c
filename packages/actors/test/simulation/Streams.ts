/**
 * Streamed replies under fire: readers that are slow, leave or read to the end, of an actor that crashes, is restarted and stopped, on a
 * disk that refuses. Whatever happens, each reader sees a beginning of what was said and hears why it ended, and nothing flows on.
 */
import { Cause, Effect, Exit, Fiber, Stream } from "effect"
import * as Actor from "../../src/Actor.ts"
import type { World } from "../../src/testing/Simulation.ts"
import type { Program } from "./Programs.ts"

const readers = 8
const lengthMax = 40
/** What may end a stream before its end, besides its own error. */
const reasons = new Set(["ActorFailed", "ActorStopped", "StateNotStored", "Refused"])

interface Question {
  readonly to: number
  /** How it ends. */
  readonly way: "end" | "refuse"
}

const speakerOf = (world: World, flowing: { count: number }) =>
  Actor.actor(
    "speaker",
    {
      state: 0,
      say: Actor.streaming((state: number, { to, way }: Question) => {
        const numbers = Stream.range(1, to).pipe(
          Stream.rechunk(1 + world.below(4)),
          Stream.tap(() => (world.happens(0.3) ? Effect.sleep(world.below(4)) : Effect.void))
        )
        const counted = Effect.acquireRelease(
          Effect.sync(() => flowing.count++),
          () => Effect.sync(() => flowing.count--)
        )
        const end = way === "end" ? Stream.empty : Stream.fail({ _tag: "Refused" } as const)
        return Actor.reply(state + 1, Stream.unwrap(Effect.as(counted, Stream.concat(numbers, end))))
      }),
      crash: (): number => {
        throw new Error("crashed as told")
      }
    },
    { supervision: { intensity: 1_000_000, backoffMax: "50 millis" } }
  )

export const streamsUnderFire: Program = {
  name: "streams that are left, crashed and stopped",
  disk: { commitFails: 0.05 },
  run: (world) =>
    Effect.gen(function* () {
      const flowing = { count: 0 }
      const node = yield* world.start("node")
      const speaker = node.system.ref(speakerOf(world, flowing), "s")

      const read = Effect.gen(function* () {
        yield* Effect.sleep(world.below(30))
        const question: Question = { to: 1 + world.below(lengthMax), way: world.happens(0.3) ? "refuse" : "end" }
        const enough = world.happens(0.3) ? 1 + world.below(lengthMax) : Number.POSITIVE_INFINITY
        const seen: Array<number> = []
        const exit = yield* Effect.exit(
          Stream.runForEach(Stream.take(speaker.say(question), enough), (n) => {
            seen.push(n)
            return world.happens(0.2) ? Effect.sleep(world.below(10)) : Effect.void
          })
        )
        yield* world.expect(
          `what was read (${seen.join(" ")}) is a beginning of what was said`,
          seen.every((n, index) => n === index + 1)
        )
        if (Exit.isSuccess(exit)) {
          const whole = Math.min(question.to, enough)
          yield* world.expect(`a stream that ends is whole: ${seen.length} of ${whole}`, seen.length === whole)
          yield* world.expect("an error is not lost", question.way === "end" || seen.length === enough)
          return
        }
        const { _tag } = Cause.squash(exit.cause) as { readonly _tag?: string }
        yield* world.expect(`a reader hears why its stream ended: ${_tag}`, reasons.has(_tag ?? ""))
        const isWhole = _tag !== "Refused" || seen.length === question.to
        yield* world.expect("an error comes after all that was said before it", isWhole)
      })

      const fire = Effect.gen(function* () {
        for (let left = world.below(4); left > 0; left--) {
          yield* Effect.sleep(world.below(40))
          if (world.happens(0.5)) yield* Effect.ignore(speaker.crash())
          else yield* Effect.ignore(node.system.restart(speaker.address))
        }
        if (world.happens(0.3)) yield* Effect.ignore(node.system.stop(speaker.address))
      })

      const all = [...Array.from({ length: readers }, () => read), fire]
      const fibers = yield* Effect.forEach(all, (one) => Effect.forkChild(node.run(one)))
      for (const fiber of fibers) {
        yield* Effect.catchTag(Fiber.join(fiber), "NodeCrashed", (error) => Effect.die(error))
      }
      yield* Effect.sleep("1 second")
      yield* world.expect(`nothing flows that nobody reads: ${flowing.count}`, flowing.count === 0)
    })
}
