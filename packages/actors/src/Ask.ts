/**
 * The waiting end of an ask. It settles once: by the reply, by an expected error of the handler, by a failure of the delivery,
 * or because the asker gave up.
 */
import { Effect, type Tracer } from "effect"
import type { Entry } from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import type { ActorError } from "./ActorError.ts"
import type { Write } from "./ActorStorage.ts"
import type { AskDeadlines } from "./AskDeadlines.ts"
import { answersNestedMax } from "./Limits.ts"
import type { Message } from "./Message.ts"

/** What goes into the transaction of a message's handler: that the message was handled, and its reply. */
export interface Receipt {
  readonly records: (reply: unknown) => ReadonlyArray<Write>
}

/** `expected`: an error of the handler's own type. `undelivered`: an `ActorError`. `abandoned`: the asker gave up. */
export type AskStatus = "waiting" | "replied" | "expected" | "undelivered" | "abandoned"

export class Ask {
  status: AskStatus
  /** The reply or the error. */
  value: unknown
  /** Called when the ask settles, unless it is abandoned. */
  listener: (() => void) | undefined
  /** Called in place of a listener, with the reply or the error: those of a Promise, after which nobody goes on at once. */
  resolve: ((reply: unknown) => void) | undefined
  reject: ((error: unknown) => void) | undefined
  /** The message asked, once it is sent. */
  cell: ActorCell | undefined
  entry: Entry | undefined
  /** The message whose handler waits for the reply. */
  readonly parent: Message | undefined
  // Place in a list of deadlines, which only AskDeadlines touches.
  deadlines: AskDeadlines | undefined
  deadlineMs: number
  previous: Ask | undefined
  next: Ask | undefined

  constructor(parent: Message | undefined) {
    this.status = "waiting"
    this.value = undefined
    this.listener = undefined
    this.resolve = undefined
    this.reject = undefined
    this.cell = undefined
    this.entry = undefined
    this.parent = parent
    this.deadlines = undefined
    this.deadlineMs = 0
    this.previous = undefined
    this.next = undefined
  }

  /** Addresses of other nodes that wait for this ask, outermost first, and of those that wait for them. */
  get chain(): ReadonlyArray<string> {
    return noChain
  }

  /** The span of an asker on another node. */
  get parentSpan(): Tracer.AnySpan | undefined {
    return undefined
  }

  /** Of a message that must not be handled twice. */
  get receipt(): Receipt | undefined {
    return undefined
  }

  reply(value: unknown): void {
    this.settle("replied", value)
  }

  failExpected(error: unknown): void {
    this.settle("expected", error)
  }

  fail(error: ActorError): void {
    this.settle("undelivered", error)
  }

  /** The asker gives up; its handler, if it is running, is told. */
  abandon(): void {
    if (this.status !== "waiting") return
    this.settle("abandoned", undefined)
    this.cell?.cancel(this)
  }

  private settle(status: AskStatus, value: unknown): void {
    if (this.status !== "waiting") return
    this.status = status
    this.value = value
    if (this.deadlines !== undefined) this.deadlines.remove(this)
    if (status === "abandoned") return
    if (this.resolve === undefined) {
      if (this.listener !== undefined) this.notify(this.listener)
    } else if (status === "replied") this.resolve(value)
    else this.reject!(value)
  }

  private notify(listener: () => void): void {
    if (depth >= answersNestedMax && this.cell !== undefined) {
      this.cell.kernel.runQueue.afterTurns(listener)
      return
    }
    depth++
    try {
      listener()
    } finally {
      depth--
    }
  }
}

/** An expected error of a handler, for a person. */
export const describeError = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : typeof error === "string" ? error : JSON.stringify(error)

export const noChain: ReadonlyArray<string> = []

// An answer lets the asker go on at once, which may be a handler that then answers its own asker, and so on. Along a chain of a
// thousand actors that would be a thousand times the stack of one, so beyond a limit the asker has to wait for its turn.
let depth = 0

/** What came of a settled ask. `wrapExpected` turns an expected error into what this asker wants to see. */
export const outcome = (ask: Ask, wrapExpected?: (error: unknown) => unknown): Effect.Effect<unknown, unknown> => {
  if (ask.status === "replied") return Effect.succeed(ask.value)
  return Effect.fail(ask.status === "expected" && wrapExpected !== undefined ? wrapExpected(ask.value) : ask.value)
}
