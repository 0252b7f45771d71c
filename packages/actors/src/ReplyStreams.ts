/**
 * Streamed replies: what a handler answered with `reply(state, stream)` flows from its actor to whoever asked, outside of the
 * actor's turns, so that the actor handles other messages meanwhile.
 *
 * A flow is a fiber with the services of the actor's type and a buffer of `Limits.replyBufferElements`; a slow asker holds it back. It
 * begins once the asker reads and the state of the handler is stored, and ends with the stream, with the asker, or with the present
 * life of the actor, whichever is first. Its errors are those of the stream, and those of actors.
 */
import { Cause, Effect, Exit, type Fiber, Queue, Stream } from "effect"
import type { Entry } from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import { ActorFailed, type ActorError, AskTimeout, PayloadMalformed, StreamsFull } from "./ActorError.ts"
import { deepFreeze } from "./Freeze.ts"
import * as Limits from "./Limits.ts"
import * as Relations from "./Relations.ts"
import * as Supervisor from "./Supervisor.ts"

/** An error of the handler's own stream, told from what fails around it. */
class Expected {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

interface Flow {
  readonly entry: Entry
  readonly queue: Queue.Queue<unknown, unknown>
  fiber: Fiber.Fiber<void> | undefined
}

/** The streamed replies of one life of an actor. */
export class ReplyStreams {
  private readonly flows: Set<Flow>
  private failure: ((entry: Entry) => ActorError) | undefined

  constructor() {
    this.flows = new Set()
    this.failure = undefined
  }

  /** Those that flow. */
  get size(): number {
    return this.flows.size
  }

  /** The life is over: those that flow fail after what they have said, and those that have not begun will. */
  end(failure: (entry: Entry) => ActorError): void {
    this.failure = failure
    for (const { entry, fiber, queue } of this.flows) {
      fiber?.interruptUnsafe()
      Queue.failCauseUnsafe(queue, Cause.fail(failure(entry)))
    }
    this.flows.clear()
  }

  /** What the asker reads. Running it twice runs the handler's stream twice. */
  flow(cell: ActorCell, entry: Entry, stream: Stream.Stream<unknown, unknown>): Stream.Stream<unknown, unknown> {
    return Stream.unwrap(
      Effect.acquireRelease(this.begin(cell, entry, stream), (flow) => Effect.sync(() => this.leave(flow))).pipe(
        Effect.map(({ queue }) => Stream.fromQueue(queue))
      )
    )
  }

  private begin(cell: ActorCell, entry: Entry, stream: Stream.Stream<unknown, unknown>) {
    return Effect.gen({ self: this }, function* () {
      if (this.failure !== undefined) return yield* Effect.fail(this.failure(entry))
      if (cell.phase === "stopped") return yield* cell.stopped()
      if (this.flows.size >= Limits.replyStreamsMax) {
        return yield* new StreamsFull({ address: cell.address, streamsMax: Limits.replyStreamsMax })
      }
      const flow: Flow = {
        entry,
        queue: yield* Queue.bounded<unknown, unknown>(Limits.replyBufferElements),
        fiber: undefined
      }
      this.flows.add(flow)
      const { kernel } = cell
      const frozen = kernel.freeze ? Stream.map(stream, deepFreeze) : stream
      const running = Effect.flatMap(
        Effect.exit(Stream.runForEachArray(frozen, (some) => Queue.offerAll(flow.queue, some))),
        (exit) => Effect.sync(() => this.ended(cell, entry, flow, exit))
      )
      flow.fiber = kernel.fork(running, cell.type.context)
      return flow
    })
  }

  private ended(cell: ActorCell, entry: Entry, flow: Flow, exit: Exit.Exit<void, unknown>): void {
    if (!this.flows.has(flow)) return
    if (Exit.isSuccess(exit)) return void Queue.endUnsafe(flow.queue as Queue.Queue<unknown, Cause.Done>)
    const expected = Cause.findErrorOption(exit.cause)
    if (expected._tag === "Some" && !Cause.hasDies(exit.cause)) {
      return void Queue.failCauseUnsafe(flow.queue, Cause.fail(new Expected(expected.value)))
    }
    const cause = Cause.pretty(exit.cause)
    cell.kernel.failed++
    const timeMs = cell.kernel.nowMs()
    Supervisor.noteFailure(Relations.historyOf(cell), { timeMs, messageName: entry.name, cause })
    Queue.failCauseUnsafe(flow.queue, Cause.fail(failed(cell, entry, cause.split("\n", 1)[0]!)))
  }

  private leave(flow: Flow): void {
    if (!this.flows.delete(flow)) return
    flow.fiber?.interruptUnsafe()
    Effect.runSync(Queue.shutdown(flow.queue))
  }
}

/** The reply of a handler, bound to the present life of its actor. */
export const bind = (cell: ActorCell, entry: Entry, reply: unknown): Stream.Stream<unknown, unknown> => {
  if (!Stream.isStream(reply)) return Stream.fail(failed(cell, entry, "its reply is no stream, as its definition says"))
  const relations = Relations.of(cell)
  return (relations.streams ??= new ReplyStreams()).flow(cell, entry, reply as Stream.Stream<unknown, unknown>)
}

/** The present life of an actor is over, and its streamed replies with it. */
export const endAll = (cell: ActorCell): void => {
  const { relations } = cell
  if (relations?.streams === undefined) return
  const stopped = cell.phase === "stopped" ? cell.stopped() : undefined
  relations.streams.end(
    (entry) => stopped ?? failed(cell, entry, "the actor began a new life while its reply was read")
  )
  relations.streams = undefined
}

/** A streamed reply as its asker wants to see the errors of its handler. */
export const seen = (
  reply: Stream.Stream<unknown, unknown>,
  wrapExpected: (error: unknown) => unknown
): Stream.Stream<unknown, unknown> =>
  Stream.mapError(reply, (error) => (error instanceof Expected ? wrapExpected(error.error) : error))

/** Fails when no next value comes in time. An infinite time is none. */
export const within =
  (timeoutMs: number, address: string, messageName: string) =>
  <A, E>(stream: Stream.Stream<A, E>): Stream.Stream<A, E | AskTimeout> =>
    Number.isFinite(timeoutMs)
      ? Stream.timeoutOrElse(stream, {
          duration: timeoutMs,
          orElse: () => Stream.fail(new AskTimeout({ address, messageName, timeoutMs }))
        })
      : stream

/** Why a message is not sent: one that streams its reply to someone who waits for one value, or the other way round. */
export const mismatch = (address: string, { name, streams }: Entry): PayloadMalformed =>
  new PayloadMalformed({
    address,
    messageName: name,
    reason: streams
      ? "it answers with a stream, and must be asked for one: by a ref of its definition"
      : "it answers with one value, and was asked for a stream"
  })

const failed = (cell: ActorCell, { name }: Entry, cause: string): ActorFailed =>
  new ActorFailed({ address: cell.address, messageName: name, cause })
