/**
 * Spans of messages, for whoever wants to see where time goes: one for each message that was chosen, from its sending to the end of
 * its handler, with the time that it waited. Its parent is the span of its sender; the spans and asks of its handler are below it.
 *
 * A message of a sampled parent is always chosen, one of a parent that is not never, and of the others a share. Beyond
 * `Limits.spanDepthMax` messages, each sent by the handler of the one before, a message is one of the others: actors that tell each
 * other for ever would be one trace without an end. The tracer is Effect's.
 * A message that is not chosen costs a look; a system without spans does not even do that.
 */
import { Cause, type Clock, Context, Effect, Exit, Fiber, Option, Tracer } from "effect"
import type { Entry } from "./Actor.ts"
import type { ActorError } from "./ActorError.ts"
import * as Limits from "./Limits.ts"
import { CurrentMessage, type Message } from "./Message.ts"

/** What spans need of the system. */
export interface Host {
  readonly tracer: Tracer.Tracer
  readonly clock: Clock.Clock
  /** A number in [0, 1). */
  readonly chance: () => number
  readonly nodeName: string
  /** Share of the messages without a parent that are chosen, in [0, 1]. */
  readonly ratio: number
}

/** How the handling of a message ended. */
type Outcome = "handled" | "failed" | "crashed" | "interrupted" | "refused"

export class MessageSpans {
  private readonly host: Host
  private readonly ofMessages: WeakMap<Message, Tracer.Span>
  private readonly ofEntries: WeakMap<Entry, Tracer.Span>
  /** How many messages are above that of a span. */
  private readonly depths: WeakMap<Tracer.Span, number>

  constructor(host: Host) {
    this.host = host
    this.ofMessages = new WeakMap()
    this.ofEntries = new WeakMap()
    this.depths = new WeakMap()
  }

  /**
   * What to send in place of `entry`: itself, or one that makes a span. The parent is `remote`, the span of an asker on another node,
   * or that of the fiber that sends, unless that is not the one that handles `sender`: then it is the span of `sender`.
   */
  sample(entry: Entry, address: string, sender: Message | undefined, remote?: Tracer.AnySpan): Entry {
    const { chance, ratio } = this.host
    const depth = this.depthBelow(sender)
    const parent = depth > Limits.spanDepthMax ? undefined : (remote ?? this.parentOf(sender))
    const isChosen = parent === undefined ? chance() < ratio : parent.sampled
    return isChosen ? this.spanned(entry, address, parent, parent === undefined ? 0 : depth) : entry
  }

  private depthBelow(sender: Message | undefined): number {
    const above = this.spanOf(sender)
    return above === undefined ? 0 : this.depths.get(above)! + 1
  }

  /** The span that a message sent now is below. */
  parentOf(sender: Message | undefined): Tracer.AnySpan | undefined {
    const fiber = Fiber.getCurrent()
    // An async or a plain handler may run in the fiber of whoever asked it.
    const isItsFiber = sender === undefined || fiber?.getRef(CurrentMessage) === sender
    return isItsFiber ? (fiber?.cache.span ?? this.spanOf(sender)) : (this.spanOf(sender) ?? fiber?.cache.span)
  }

  /** The span of a message that is being handled. */
  spanOf(message: Message | undefined): Tracer.Span | undefined {
    return message === undefined ? undefined : this.ofMessages.get(message)
  }

  /** A message was refused: it will not be handled. */
  refused(entry: Entry, error: ActorError): void {
    const span = this.ofEntries.get(entry)
    if (span !== undefined) this.end(span, "refused", Exit.fail(error))
  }

  private spanned(entry: Entry, address: string, parent: Tracer.AnySpan | undefined, depth: number): Entry {
    const { clock, nodeName, tracer } = this.host
    const sentNanos = clock.currentTimeNanosUnsafe()
    const span = tracer.span({
      name: `${address.split("/", 4)[3]}.${entry.name}`,
      parent: Option.fromUndefinedOr(parent),
      annotations: Context.empty(),
      links: [],
      startTime: sentNanos,
      kind: "consumer",
      root: parent === undefined,
      sampled: true
    })
    this.depths.set(span, depth)
    span.attribute("actor.address", address)
    span.attribute("actor.message", entry.name)
    span.attribute("actor.node", nodeName)
    const spanned: Entry = {
      ...entry,
      handler: (state, payload, context) => {
        const message = context as Message
        message.kept = true
        this.ofMessages.set(message, span)
        span.attribute("actor.queue_ms", Number(clock.currentTimeNanosUnsafe() - sentNanos) / 1e6)
        return this.followed(span, message, () => entry.handler(state, payload, context))
      }
    }
    this.ofEntries.set(spanned, span)
    return spanned
  }

  /** Runs the handler and ends the span with it. */
  private followed(span: Tracer.Span, message: Message, handler: () => unknown): unknown {
    let result: unknown
    const ended = (exit: Exit.Exit<unknown, unknown>): void => {
      // What was set aside is handled again.
      if (!message.isSetAside) this.end(span, outcomeOf(exit), exit)
    }
    try {
      result = handler()
    } catch (defect) {
      ended(Exit.die(defect))
      throw defect
    }
    if (Effect.isEffect(result)) {
      const handling = Effect.withParentSpan(result as Effect.Effect<unknown, unknown>, span)
      return Effect.onExit(handling, (exit) => Effect.sync(() => ended(exit)))
    }
    if (typeof (result as { readonly then?: unknown } | null | undefined)?.then === "function") {
      ;(result as PromiseLike<unknown>).then(
        (value) => ended(Exit.succeed(value)),
        (defect) => ended(Exit.die(defect))
      )
    } else ended(Exit.succeed(result))
    return result
  }

  private end(span: Tracer.Span, outcome: Outcome, exit: Exit.Exit<unknown, unknown>): void {
    if (span.status._tag === "Ended") return
    span.attribute("actor.outcome", outcome)
    span.end(this.host.clock.currentTimeNanosUnsafe(), exit)
  }
}

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Outcome => {
  if (Exit.isSuccess(exit)) return "handled"
  if (Cause.hasDies(exit.cause)) return "crashed"
  return Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : "failed"
}
