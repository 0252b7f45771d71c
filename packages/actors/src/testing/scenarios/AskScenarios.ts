/**
 * Asks and tells: replies, errors, order, deadlines, interruption, and circles of asks.
 */
import { Effect, Fiber, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { fromRpcs, reply } from "../../Actor.ts"
import { ActorSystem } from "../../ActorSystem.ts"
import { endOf, type Place, scenario, type Scenario, TooMuch } from "./Scenario.ts"

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

export const counterAt = ({ realm, run }: Place, name: string): string =>
  `continuum://${realm}/scenario-counter/${run}-${name}`
const relayAt = (realm: string, { run }: Place, name: string) => `continuum://${realm}/scenario-relay/${run}-${name}`

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
  )
]
