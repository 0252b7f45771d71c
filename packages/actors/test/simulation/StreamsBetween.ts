/**
 * Streamed replies between two nodes, one of which reads and one of which speaks, while both crash at any step, connections break,
 * partitions come and go, and readers are slow. Each reader sees a beginning of what was said and hears why it ended; whoever speaks is
 * never far ahead of what is read; in the end nothing flows that nobody reads.
 */
import { Cause, Effect, Exit, Fiber, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { fromRpcs, reply } from "../../src/Actor.ts"
import type { SimulatedNode, World } from "../../src/testing/Simulation.ts"
import type { Program } from "./Programs.ts"

const readers = 6
const lengthMax = 150
/** Values that may be made and not read: two buffers of 16 in the actor, the credit of the network twice, and the chunks between. */
const aheadMax = 64
const reasons = new Set([
  "ActorFailed",
  "ActorStopped",
  "StateNotStored",
  "Refused",
  "TransportLost",
  "PeerUnreachable",
  "AskTimeout"
])

class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {}

const Question = Schema.Struct({ reader: Schema.Number, to: Schema.Number, refuses: Schema.Boolean })
class SpeakerRpcs extends RpcGroup.make(
  Rpc.make("say", { payload: Question, success: Schema.Number, error: Refused, stream: true }),
  Rpc.make("crash", { success: Schema.Number })
) {}

/** What is seen of the two ends from above; a node that crashed takes its flows along. */
interface Seen {
  readonly read: Map<number, number>
  flowing: number
  /** The farthest that any stream was ahead of its reader. */
  ahead: number
}

const speakerOf = (world: World, seen: Seen, isAlive: () => boolean) =>
  fromRpcs(
    "speaker",
    SpeakerRpcs,
    {
      state: { schema: Schema.Number, initial: 0 },
      handlers: {
        say: (state, { reader, refuses, to }) => {
          let made = 0
          const numbers = Stream.range(1, to).pipe(
            Stream.rechunk(1 + world.below(4)),
            Stream.tap(() => {
              seen.ahead = Math.max(seen.ahead, ++made - (seen.read.get(reader) ?? 0))
              return world.happens(0.1) ? Effect.sleep(world.below(4)) : Effect.void
            })
          )
          const counted = Effect.acquireRelease(
            Effect.sync(() => void seen.flowing++),
            () => Effect.sync(() => void (isAlive() && seen.flowing--))
          )
          const end = refuses ? Stream.fail(new Refused()) : Stream.empty
          return reply(state + 1, Stream.unwrap(Effect.as(counted, Stream.concat(numbers, end))))
        },
        crash: () => {
          throw new Error("crashed as told")
        }
      }
    },
    { supervision: { intensity: 1_000_000, backoffMax: "50 millis" }, askTimeout: "10 seconds" }
  )

export const streamsBetweenUnderFire: Program = {
  name: "streams between nodes under fire",
  disk: { commitFails: 0.02 },
  network: { breaks: 0.005, delayMsMax: 20 },
  run: (world) =>
    Effect.gen(function* () {
      const seen: Seen = { read: new Map(), flowing: 0, ahead: 0 }
      const nodes = new Map<string, SimulatedNode>()
      const begin = (name: string) =>
        Effect.gen(function* () {
          const node: SimulatedNode = yield* world.start(name)
          if (name === "bee") yield* Effect.ignore(node.run(node.system.register(speakerOf(world, seen, node.isAlive))))
          nodes.set(name, node)
        })
      yield* begin("ant")
      yield* begin("bee")
      const Speaker = speakerOf(world, seen, () => true)
      const speaker = () => nodes.get("ant")!.system.at(Speaker, "continuum://bee/speaker/s")

      const read = (reader: number) =>
        Effect.gen(function* () {
          yield* Effect.sleep(world.below(200))
          const question = { reader, to: 1 + world.below(lengthMax), refuses: world.happens(0.3) }
          const enough = world.happens(0.3) ? 1 + world.below(lengthMax) : Number.POSITIVE_INFINITY
          const isSlow = world.happens(0.3)
          const values: Array<number> = []
          seen.read.set(reader, 0)
          const reading = Stream.runForEach(Stream.take(speaker().say(question), enough), (n) => {
            values.push(n)
            seen.read.set(reader, values.length)
            return isSlow ? Effect.sleep(world.below(60)) : Effect.void
          })
          const exit = yield* Effect.exit(nodes.get("ant")!.run(reading))
          yield* world.expect(
            `what was read (${values.join(" ")}) is a beginning of what was said`,
            values.every((n, index) => n === index + 1)
          )
          if (Exit.isSuccess(exit)) {
            const whole = Math.min(question.to, enough)
            yield* world.expect(
              `a stream that ends is whole: ${values.length} of ${whole}`,
              values.length === whole && (!question.refuses || values.length === enough)
            )
            return
          }
          const { _tag = "" } = Cause.squash(exit.cause) as { readonly _tag?: string }
          yield* world.expect(
            `a reader hears why its stream ended: ${String(exit.cause)}`,
            _tag === "NodeCrashed" || reasons.has(_tag)
          )
          yield* world.expect(
            "an error comes after all that was said before it",
            _tag !== "Refused" || values.length === question.to
          )
        })

      const fire = Effect.gen(function* () {
        for (let left = world.below(5); left > 0; left--) {
          yield* Effect.sleep(world.below(120))
          const name = world.happens(0.6) ? "bee" : "ant"
          const trouble = world.below(4)
          if (trouble === 0) {
            const node = nodes.get(name)!
            node.crashAfter(1 + world.below(30))
            yield* Effect.sleep(world.below(100))
            node.crash()
            if (name === "bee") seen.flowing = 0
            yield* begin(name)
          } else if (trouble === 1) {
            world.network.cut("ant", "bee")
            yield* Effect.sleep(world.below(100))
            world.network.mend()
          } else if (trouble === 2) {
            nodes.get(name)!.jumpClock(world.below(10_000) - 5_000)
          } else {
            yield* Effect.ignore(nodes.get("ant")!.run(Effect.suspend(() => speaker().crash())))
          }
        }
      })

      const all = [...Array.from({ length: readers }, (_, reader) => read(reader)), fire]
      const fibers = yield* Effect.forEach(all, (one) => Effect.forkChild(one))
      yield* Effect.forEach(fibers, Fiber.join)
      yield* Effect.sleep("1 minute")
      yield* world.expect(`nothing flows that nobody reads: ${seen.flowing}`, seen.flowing === 0)
      yield* world.expect(`a slow reader holds the speaker back: ${seen.ahead} ahead`, seen.ahead <= aheadMax)
    })
}
