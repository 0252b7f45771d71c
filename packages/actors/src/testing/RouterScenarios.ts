/**
 * What an actor does for whoever asks it by its address, wherever it lives. Each scenario returns what it sees as plain data,
 * with `<realm>` for the names of realms: run it with the actors in the same system, then in another process or on another
 * machine, and it must see the same. Free of any test runner.
 */
import { Cause, Effect, Exit, Fiber, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { fromRpcs, reply } from "../Actor.ts"
import { ActorSystem } from "../ActorSystem.ts"

// ---------------------------------------------------------------- the actors

/** An expected error with data. */
export class TooMuch extends Schema.TaggedError<TooMuch>()("TooMuch", { limit: Schema.Number }) {}

class CounterRpcs extends RpcGroup.make(
  Rpc.make("add", { payload: { by: Schema.Number }, success: Schema.Number }),
  Rpc.make("get", { success: Schema.Number }),
  Rpc.make("since", { payload: { date: Schema.Date }, success: Schema.Date }),
  Rpc.make("limited", { payload: { by: Schema.Number }, success: Schema.Number, error: TooMuch }),
  Rpc.make("crash", { success: Schema.Number }),
  Rpc.make("slow", { success: Schema.Number }),
  Rpc.make("interruptions", { success: Schema.Number })
) {}

let interruptions = 0

/** Counts. `slow` ends only by interruption, which `interruptions` counts in the process of the actor. */
export const Counter = fromRpcs("scenario-counter", CounterRpcs, {
  state: { schema: Schema.Number, initial: 0 },
  handlers: {
    add: (state, { by }) => state + by,
    get: (state) => state,
    since: (state, { date }) => reply(state, new Date(date.getTime() + 1_000)),
    limited: (state, { by }) => (by > 10 ? Effect.fail(new TooMuch({ limit: 10 })) : Effect.succeed(state + by)),
    crash: () => {
      throw new Error("crashed on purpose")
    },
    slow: () =>
      Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          interruptions++
        })
      ),
    interruptions: (state) => reply(state, interruptions)
  }
})

class RelayRpcs extends RpcGroup.make(
  Rpc.make("relay", { payload: { path: Schema.Array(Schema.String) }, success: Schema.String }),
  Rpc.make("count", { payload: { address: Schema.String }, success: Schema.Number })
) {}

/**
 * Asks the first address of a path to ask the rest of it, and says how that ended. Not durable: what a durable actor tells
 * leaves once its state is stored, after what it asks.
 */
export const Relay = fromRpcs(
  "scenario-relay",
  RelayRpcs,
  {
    state: { schema: Schema.Null, initial: null },
    handlers: {
      relay: (
        state: null,
        { path }: { readonly path: ReadonlyArray<string> }
      ): Effect.Effect<any, never, ActorSystem> =>
        Effect.gen(function* () {
          const [next, ...rest] = path
          if (next === undefined) return reply(state, "the end")
          const system = yield* ActorSystem
          const answer = yield* Effect.catch(system.askUnknown(next, "relay", { path: rest }), (error) =>
            Effect.succeed("chain" in error ? `${error._tag} of ${error.chain.length}` : error._tag)
          )
          return reply(state, answer as string)
        }),
      count: (state: null, { address }: { readonly address: string }): Effect.Effect<any, never, ActorSystem> =>
        Effect.gen(function* () {
          const system = yield* ActorSystem
          const counter = system.at(Counter, address)
          yield* Effect.orDie(counter.tell.add({ by: 1 }))
          return reply(state, yield* Effect.orDie(counter.add({ by: 10 })))
        })
    }
  },
  { durable: false }
)

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

/** Makes the actors of the scenarios known to a system: both to the one that asks and to the one that is asked. */
export const register: Effect.Effect<void, never, ActorSystem> = Effect.gen(function* () {
  const system = yield* ActorSystem
  yield* system.register(Counter)
  yield* system.register(Relay)
  yield* system.register(Speaker)
})

// ---------------------------------------------------------------- the scenarios

/** Where the asked actors are. */
export interface Place {
  /** The realm of the asked system, as addresses name it: `local`, a key or a petname. */
  readonly realm: string
  /** The realm of the asking system, as the asked one names it. */
  readonly back: string
  /** Distinguishes runs against the same system: part of every name. */
  readonly run: string
}

export interface Scenario {
  /** A sentence about behaviour. */
  readonly name: string
  /** What is seen, as plain data. */
  readonly see: (place: Place) => Effect.Effect<unknown, unknown, ActorSystem>
  /** What must be seen, wherever the actor lives. */
  readonly expected: unknown
}

const counterAt = ({ realm, run }: Place, name: string) => `continuum://${realm}/scenario-counter/${run}-${name}`
const speakerAt = ({ realm, run }: Place, name: string) => `continuum://${realm}/scenario-speaker/${run}-${name}`
const relayAt = (realm: string, { run }: Place, name: string) => `continuum://${realm}/scenario-relay/${run}-${name}`

/** How an effect ended, without what differs from place to place. */
const endOf = <A, E, R>({ run }: Place, effect: Effect.Effect<A, E, R>): Effect.Effect<unknown, never, R> =>
  Effect.map(Effect.exit(effect), (exit) => {
    const seen = Exit.isSuccess(exit) ? { value: exit.value } : { error: Cause.squash(exit.cause) }
    // By way of JSON, in which an error is its fields.
    const text = JSON.stringify(seen)
    return JSON.parse(
      text.replaceAll(/continuum:\/\/[a-z0-9-]+\//g, "continuum://<realm>/").replaceAll(`/${run}-`, "/")
    )
  })

const scenario = (
  name: string,
  expected: unknown,
  see: (place: Place, system: ActorSystem["Service"]) => Effect.Effect<unknown, unknown, ActorSystem>
): Scenario => ({ name, expected, see: (place) => Effect.flatMap(ActorSystem, (system) => see(place, system)) })

export const scenarios: ReadonlyArray<Scenario> = [
  scenario("an ask answers with what the handler says, and the state stays", [2, 5, 5], (place, system) =>
    Effect.gen(function* () {
      const counter = system.at(Counter, counterAt(place, "a"))
      return [yield* counter.add({ by: 2 }), yield* counter.add({ by: 3 }), yield* counter.get()]
    })
  ),
  scenario(
    "values that are no plain data cross by their schemas",
    [true, "1970-01-01T00:00:01.005Z"],
    (place, system) =>
      Effect.gen(function* () {
        const later = yield* system.at(Counter, counterAt(place, "b")).since({ date: new Date(5) })
        return [later instanceof Date, later.toISOString()]
      })
  ),
  scenario(
    "an expected error arrives as the same class with its data, and changes nothing",
    [true, { error: { _tag: "TooMuch", limit: 10 } }, 10],
    (place, system) =>
      Effect.gen(function* () {
        const counter = system.at(Counter, counterAt(place, "c"))
        const error = yield* Effect.flip(counter.limited({ by: 11 }))
        return [error instanceof TooMuch, yield* endOf(place, Effect.fail(error)), yield* counter.limited({ by: 10 })]
      })
  ),
  scenario(
    "a crash fails the asker, and the actor starts anew",
    [
      {
        error: {
          _tag: "ActorFailed",
          address: "continuum://<realm>/scenario-counter/d",
          messageName: "crash",
          cause: "Error: crashed on purpose"
        }
      },
      0
    ],
    (place, system) =>
      Effect.gen(function* () {
        const counter = system.at(Counter, counterAt(place, "d"))
        return [yield* endOf(place, counter.crash()), yield* counter.get()]
      })
  ),
  scenario(
    "a payload of the wrong type is refused before it is sent",
    {
      error: {
        _tag: "PayloadMalformed",
        address: "continuum://<realm>/scenario-counter/e",
        messageName: "add",
        reason: "it is not of the type that the schema describes"
      }
    },
    (place, system) => endOf(place, system.at(Counter, counterAt(place, "e")).add({ by: "1" } as never))
  ),
  scenario("tells are handled in the order in which they were sent, before a later ask", 5_050, (place, system) =>
    Effect.gen(function* () {
      const counter = system.at(Counter, counterAt(place, "f"))
      for (let i = 1; i <= 100; i++) yield* counter.tell.add({ by: i })
      return yield* counter.get()
    })
  ),
  scenario(
    "an ask of a handler that does not end fails when its time is over",
    {
      error: {
        _tag: "AskTimeout",
        address: "continuum://<realm>/scenario-counter/g",
        messageName: "slow",
        timeoutMs: 100
      }
    },
    (place, system) => endOf(place, system.at(Counter, counterAt(place, "g"), { timeout: 100 }).slow())
  ),
  scenario("interrupting an ask interrupts its handler, and the next message is handled", [4, 1], (place, system) =>
    Effect.gen(function* () {
      const counter = system.at(Counter, counterAt(place, "h"))
      const observer = system.at(Counter, counterAt(place, "i"))
      const before = yield* observer.interruptions()
      const asking = yield* Effect.forkChild(counter.slow(), { startImmediately: true })
      yield* counter.tell.add({ by: 4 })
      // The other actor answers after the ask has arrived, since messages of one node stay in order.
      yield* observer.get()
      yield* Fiber.interrupt(asking)
      return [yield* counter.get(), (yield* observer.interruptions()) - before]
    })
  ),
  scenario(
    "asks at the same time are each answered with their own",
    Array.from({ length: 50 }, (_, i) => i),
    (place, system) =>
      Effect.gen(function* () {
        const replies = yield* Effect.forEach(
          Array.from({ length: 50 }, (_, i) => i),
          (i) => system.at(Counter, counterAt(place, `many-${i}`)).add({ by: i }),
          { concurrency: "unbounded" }
        )
        return replies
      })
  ),
  scenario(
    "names that nothing answers to are named",
    [
      { error: { _tag: "AddressUnknown", address: "continuum://<realm>/scenario-unknown/x" } },
      {
        error: {
          _tag: "MessageUnknown",
          address: "continuum://<realm>/scenario-counter/x",
          messageName: "subtract",
          known: ["add", "get", "since", "limited", "crash", "slow", "interruptions"]
        }
      },
      { error: { _tag: "PayloadMalformed", address: "continuum://<realm>/scenario-counter/x", messageName: "add" } }
    ],
    (place, system) =>
      Effect.gen(function* () {
        const ask = (kind: string, message: string, payload: unknown) =>
          endOf(
            place,
            Effect.mapError(system.askUnknown(`continuum://${place.realm}/${kind}/x`, message, payload), (error) => ({
              ...error,
              // The nearest names are those of the asked system, and the reason is the schema's.
              nearest: undefined,
              reason: undefined
            }))
          )
        return [
          yield* ask("scenario-unknown", "add", null),
          yield* ask("scenario-counter", "subtract", null),
          yield* ask("scenario-counter", "add", { by: "1" })
        ]
      })
  ),
  scenario(
    "by the texts of address and message, values are plain data and an expected error is too",
    [
      { value: "1970-01-01T00:00:01.005Z" },
      {
        error: {
          _tag: "HandlerFailed",
          address: "continuum://<realm>/scenario-counter/j",
          messageName: "limited",
          error: { _tag: "TooMuch", limit: 10 }
        }
      },
      { value: 1 }
    ],
    (place, system) =>
      Effect.gen(function* () {
        const ask = (message: string, payload: unknown) =>
          endOf(place, system.askUnknown(counterAt(place, "j"), message, payload))
        return [
          yield* ask("since", { date: "1970-01-01T00:00:00.005Z" }),
          yield* ask("limited", { by: 11 }),
          yield* ask("limited", { by: 1 })
        ]
      })
  ),
  scenario("a handler asks and tells other actors by their addresses, in order", 11, (place, system) =>
    Effect.gen(function* () {
      const relay = system.at(Relay, relayAt(place.realm, place, "k"))
      return yield* relay.count({ address: `continuum://${place.back}/scenario-counter/${place.run}-k` })
    })
  ),
  scenario(
    "a circle of asks is found, also when it closes far away",
    ["the end", "the end", "AskCycle of 2", "AskCycle of 3", "the end", "AskCycle of 3", "AskCycle of 4"],
    (place, system) =>
      Effect.gen(function* () {
        const there = (name: string) => relayAt(place.realm, place, name)
        const here = (name: string) => relayAt(place.back, place, name)
        const asThere = (name: string) => relayAt("local", place, name)
        const first = system.at(Relay, relayAt(place.realm, place, "a"))
        return [
          yield* first.relay({ path: [] }),
          yield* first.relay({ path: [asThere("b"), asThere("c")] }),
          yield* first.relay({ path: [asThere("a")] }),
          yield* first.relay({ path: [asThere("b"), asThere("a")] }),
          yield* first.relay({ path: [here("d"), there("e")] }),
          yield* first.relay({ path: [here("d"), there("a")] }),
          yield* first.relay({ path: [here("d"), there("b"), asThere("a")] })
        ]
      })
  ),
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
