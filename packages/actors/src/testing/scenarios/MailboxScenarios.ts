/**
 * What waits: urgent messages overtake others, reentrant ones are handled beside a long one, and a stash keeps what comes too early.
 */
import { Deferred, Effect, Fiber, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { fromRpcs, reply } from "../../Actor.ts"
import { type Place, scenario, type Scenario } from "./Scenario.ts"

const Names = Schema.Array(Schema.String)

class QueueRpcs extends RpcGroup.make(
  Rpc.make("work", { success: Names }),
  Rpc.make("progress", { success: Schema.String }),
  Rpc.make("release", { success: Schema.Void }),
  Rpc.make("note", { payload: Schema.String, success: Schema.Void }),
  Rpc.make("noteFirst", { payload: Schema.String, success: Schema.Void }),
  Rpc.make("enter", { payload: Schema.String, success: Schema.String }),
  Rpc.make("waiting", { success: Schema.Number }),
  Rpc.make("open", { success: Schema.Void }),
  Rpc.make("names", { success: Names })
) {}

/** What goes on in the process of the queues, by their names. */
interface Beside {
  /** Of the work in progress. */
  gate: Deferred.Deferred<void> | undefined
  /** Set aside. */
  waiting: number
}
const besides = new Map<string, Beside>()
const besideOf = (name: string): Beside => {
  const beside = besides.get(name) ?? { gate: undefined, waiting: 0 }
  besides.set(name, beside)
  return beside
}

const State = Schema.Struct({ isOpen: Schema.Boolean, names: Names })
const noted = (state: typeof State.Type, name: string) => ({ ...state, names: [...state.names, name] })

/** Notes names. `work` lasts until it is released; `enter` waits until it is open. */
export const Queue = fromRpcs(
  "scenario-queue",
  QueueRpcs,
  {
    state: { schema: State, initial: { isOpen: false, names: [] } },
    handlers: {
      work: (state, _, { name }) =>
        Effect.gen(function* () {
          const beside = besideOf(name)
          beside.gate = Deferred.makeUnsafe()
          yield* Deferred.await(beside.gate)
          beside.gate = undefined
          return reply(noted(state, "work"), [...state.names, "work"])
        }),
      progress: (state, _, { name }) =>
        reply(state, `${besideOf(name).gate === undefined ? "idle" : "busy"} at ${state.names.length}`),
      release: (state, _, { name }) =>
        Effect.sync(() => {
          const { gate } = besideOf(name)
          if (gate !== undefined) Deferred.doneUnsafe(gate, Effect.void)
          return reply(state)
        }),
      note: (state, name) => reply(noted(state, name)),
      noteFirst: (state, name) => reply(noted(state, name)),
      enter: (state, name, context) => {
        if (state.isOpen) return reply(noted(state, name), `${name} is in`)
        context.stash()
        besideOf(context.name).waiting++
        return reply(state, "")
      },
      waiting: (state, _, { name }) => reply(state, besideOf(name).waiting),
      open: (state, _, context) => {
        besideOf(context.name).waiting = 0
        context.unstash()
        return reply({ ...state, isOpen: true })
      },
      names: (state) => reply(state, state.names)
    }
  },
  { urgent: ["noteFirst"], reentrant: ["progress", "release"] }
)

const queueAt = ({ realm, run }: Place, name: string) => `continuum://${realm}/scenario-queue/${run}-${name}`

/** Asks until the work has begun. */
const busy = <E, R>(progress: Effect.Effect<string, E, R>): Effect.Effect<string, E, R> =>
  Effect.repeat(progress, { until: (text) => text.startsWith("busy") })

export const scenarios: ReadonlyArray<Scenario> = [
  scenario("an urgent message is handled before those that wait", ["noted", "work", "now", "a", "b"], (place, system) =>
    Effect.gen(function* () {
      const queue = system.at(Queue, queueAt(place, "a"))
      yield* queue.note("noted")
      yield* queue.tell.work()
      yield* busy(queue.progress())
      yield* queue.tell.note("a")
      yield* queue.tell.note("b")
      yield* queue.tell.noteFirst("now")
      yield* queue.release()
      return yield* queue.names()
    })
  ),
  scenario(
    "a reentrant message is answered while another one is handled, with the last state that was reached",
    ["busy at 1", ["noted", "work"], "idle at 2"],
    (place, system) =>
      Effect.gen(function* () {
        const queue = system.at(Queue, queueAt(place, "b"))
        yield* queue.note("noted")
        const working = yield* Effect.forkChild(queue.work(), { startImmediately: true })
        const during = yield* busy(queue.progress())
        yield* queue.release()
        return [during, yield* Fiber.join(working), yield* queue.progress()]
      })
  ),
  scenario(
    "what is set aside waits, and its asker with it, until the actor is ready; then all come in their order",
    [[], ["Ada is in", "Bob is in", "Eve is in"], ["Ada", "Bob", "Eve"]],
    (place, system) =>
      Effect.gen(function* () {
        const queue = system.at(Queue, queueAt(place, "c"))
        const entering: Array<Fiber.Fiber<string, unknown>> = []
        for (const name of ["Ada", "Bob", "Eve"]) {
          entering.push(yield* Effect.forkChild(queue.enter(name), { startImmediately: true }))
          while ((yield* queue.waiting()) < entering.length) yield* Effect.sleep(1)
        }
        const before = yield* queue.names()
        yield* queue.open()
        return [before, yield* Effect.forEach(entering, Fiber.join), yield* queue.names()]
      })
  )
]
