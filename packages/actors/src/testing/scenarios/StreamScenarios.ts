/**
 * Streamed replies: in order, held back by their reader, and ended by whichever of the two ends first.
 */
import { Effect, Exit, Fiber, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { fromRpcs, reply } from "../../Actor.ts"
import { endOf, type Place, scenario, type Scenario, TooMuch } from "./Scenario.ts"

class SpeakerRpcs extends RpcGroup.make(
  Rpc.make("dates", { payload: { to: Schema.Number }, success: Schema.Date, stream: true }),
  Rpc.make("limited", { payload: { to: Schema.Number }, success: Schema.Number, error: TooMuch, stream: true }),
  Rpc.make("refuse", { success: Schema.Number, error: TooMuch, stream: true }),
  Rpc.make("die", { success: Schema.Number, stream: true }),
  Rpc.make("silent", { success: Schema.Number, stream: true }),
  Rpc.make("endless", { success: Schema.Number, stream: true }),
  Rpc.make("made", { success: Schema.Number }),
  Rpc.make("interruptions", { success: Schema.Number }),
  Rpc.make("crash", { success: Schema.Number })
) {}

let made = 0
let streamInterruptions = 0

/** Answers with streams, and its state counts them. Of `endless` it says how far it came, and how often it was interrupted. */
export const Speaker = fromRpcs("scenario-speaker", SpeakerRpcs, {
  state: { schema: Schema.Number, initial: 0 },
  handlers: {
    dates: (state, { to }) =>
      reply(
        state + 1,
        Stream.map(Stream.range(1, to), (ms) => new Date(ms))
      ),
    limited: (state, { to }) =>
      reply(state + 1, Stream.concat(Stream.range(1, to), Stream.fail(new TooMuch({ limit: to })))),
    refuse: () => Effect.fail(new TooMuch({ limit: 0 })),
    die: (state) => reply(state + 1, Stream.concat(Stream.make(1), Stream.die(new Error("died on purpose")))),
    silent: (state) => reply(state + 1, Stream.concat(Stream.make(1), Stream.never)),
    endless: (state) => {
      made = 0
      const numbers = Stream.map(Stream.forever(Stream.make(0)), () => ++made)
      const counted = Stream.onExit(numbers, (exit) =>
        Effect.sync(() => {
          if (Exit.hasInterrupts(exit)) streamInterruptions++
        })
      )
      return reply(state + 1, counted)
    },
    made: (state) => reply(state, made),
    interruptions: (state) => reply(state, streamInterruptions),
    crash: () => {
      throw new Error("crashed on purpose")
    }
  }
})

const speakerAt = ({ realm, run }: Place, name: string) => `continuum://${realm}/scenario-speaker/${run}-${name}`

export const scenarios: ReadonlyArray<Scenario> = [
  scenario(
    "a streamed reply arrives value by value, in order, by its schema",
    [true, 2_000, 1, 2_000, 2],
    (place, system) =>
      Effect.gen(function* () {
        const speaker = system.at(Speaker, speakerAt(place, "a"))
        const dates = yield* Stream.runCollect(speaker.dates({ to: 2_000 }))
        const inOrder = dates.every((date, index) => date.getTime() === index + 1)
        const more = yield* Stream.runCollect(Stream.take(speaker.dates({ to: 2 }), 2))
        return [inOrder, dates.length, dates[0]!.getTime(), dates.at(-1)!.getTime(), more.length]
      })
  ),
  scenario(
    "a stream that fails arrives up to there, with its error as the same class; so does one that was refused",
    [[1, 2, 3], true, 3, [], true, 0],
    (place, system) =>
      Effect.gen(function* () {
        const speaker = system.at(Speaker, speakerAt(place, "b"))
        const read = (stream: Stream.Stream<number, unknown>) =>
          Effect.gen(function* () {
            const values: Array<number> = []
            const error = yield* Effect.flip(
              Stream.runForEach(stream, (value) => Effect.sync(() => values.push(value)))
            )
            return [values, error instanceof TooMuch, error instanceof TooMuch ? error.limit : error]
          })
        return [...(yield* read(speaker.limited({ to: 3 }))), ...(yield* read(speaker.refuse()))]
      })
  ),
  scenario(
    "a stream that dies fails its reader, and its actor goes on",
    [
      {
        error: {
          _tag: "ActorFailed",
          address: "continuum://<realm>/scenario-speaker/c",
          messageName: "die",
          cause: "Error: died on purpose"
        }
      },
      { value: [] }
    ],
    (place, system) =>
      Effect.gen(function* () {
        const speaker = system.at(Speaker, speakerAt(place, "c"))
        return [
          yield* endOf(place, Stream.runDrain(speaker.die())),
          yield* endOf(place, Stream.runCollect(Stream.drain(speaker.dates({ to: 1 }))))
        ]
      })
  ),
  scenario(
    "a stream whose next value does not come fails when its time is over",
    {
      error: {
        _tag: "AskTimeout",
        address: "continuum://<realm>/scenario-speaker/d",
        messageName: "silent",
        timeoutMs: 200
      }
    },
    (place, system) =>
      endOf(place, Stream.runDrain(system.at(Speaker, speakerAt(place, "d"), { timeout: 200 }).silent()))
  ),
  scenario(
    "a stream waits for its reader while its actor answers others, and ends where it runs when its reader leaves",
    [true, true, 1],
    (place, system) =>
      Effect.gen(function* () {
        const speaker = system.at(Speaker, speakerAt(place, "e"))
        const before = yield* speaker.interruptions()
        const reading = yield* Effect.forkChild(
          Stream.runForEach(speaker.endless(), () => Effect.never),
          { startImmediately: true }
        )
        // Until it stands still: it is as far ahead as it may be.
        let far = -1
        for (let now = yield* speaker.made(); now !== far || now === 0; now = yield* speaker.made()) {
          far = now
          yield* Effect.sleep(50)
        }
        yield* Fiber.interrupt(reading)
        let interruptions = 0
        while (interruptions === 0) interruptions = (yield* speaker.interruptions()) - before
        return [far > 0, far < 20_000, interruptions]
      })
  ),
  scenario(
    "a stream ends with the life of its actor",
    [
      {
        error: {
          _tag: "ActorFailed",
          address: "continuum://<realm>/scenario-speaker/f",
          messageName: "silent",
          cause: "the actor began a new life while its reply was read"
        }
      }
    ],
    (place, system) =>
      Effect.gen(function* () {
        const speaker = system.at(Speaker, speakerAt(place, "f"))
        const reading = Stream.tap(speaker.silent(), () => Effect.flip(speaker.crash()))
        return [yield* endOf(place, Stream.runDrain(reading))]
      })
  ),
  scenario(
    "what streams is not asked for one value",
    { error: { _tag: "PayloadMalformed", address: "continuum://<realm>/scenario-speaker/g", messageName: "dates" } },
    (place, system) =>
      endOf(
        place,
        Effect.mapError(system.askUnknown(speakerAt(place, "g"), "dates", { to: 1 }), (error) => ({
          ...error,
          reason: undefined
        }))
      )
  )
]
