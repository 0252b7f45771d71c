/**
 * An actor of this node that is lent to another one: what is sent to it here goes there, in order, and its answers come back.
 *
 * As many messages are on their way as its mailbox has room for; more wait in the mailbox here, and beyond that the overflow
 * policy of its definition applies. Nothing is sent twice.
 */
import * as Address from "@continuum/core/Address"
import type { Lease } from "@continuum/core/LeaseAuthority"
import { Context, Effect, type Fiber, Scheduler } from "effect"
import type { Entry } from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import { type ActorError, LeaseUnavailable } from "./ActorError.ts"
import type { Ask } from "./Ask.ts"
import * as LeaseProtocol from "./LeaseProtocol.ts"
import * as RemoteRef from "./RemoteRef.ts"

export class Away {
  readonly cell: ActorCell
  readonly lease: Lease
  /** The host no longer has it: it comes home before its lease ends. */
  readonly notHosted: () => void
  /** Whether messages wait here because it is on its way home. */
  isReturning: boolean
  private readonly sent: Map<Fiber.Fiber<void>, { readonly entry: Entry; readonly ask: Ask | undefined }>
  private waiting: Array<() => void>
  private readonly context: Context.Context<never>

  constructor(cell: ActorCell, lease: Lease, notHosted: () => void) {
    this.cell = cell
    this.lease = lease
    this.notHosted = notHosted
    this.isReturning = false
    this.sent = new Map()
    this.waiting = []
    // What is sent is on its way before the next is begun, or the order would be lost.
    this.context = Context.add(cell.kernel.context, Scheduler.PreventSchedulerYield, true)
  }

  /** Realm of the host. */
  get host(): string {
    return this.lease.holder
  }

  /** Sends what waits, as far as there is room. */
  forward(): void {
    const { cell } = this
    const { mailbox } = cell
    while (!this.isReturning && cell.phase === "away" && mailbox.size > 0 && this.sent.size < mailbox.capacity) {
      const { ask, entry, payload } = mailbox
      mailbox.drop()
      cell.senders?.admit(cell)
      if (ask === undefined || ask.status === "waiting") this.send(entry, payload, ask)
    }
  }

  /** Tells the host of an ask that was given up. */
  cancel(ask: Ask): void {
    for (const [fiber, sent] of this.sent) if (sent.ask === ask) return fiber.interruptUnsafe()
  }

  /** Tells the host of asks whose time is over. */
  cancelSettled(): void {
    for (const [fiber, { ask }] of this.sent) {
      if (ask !== undefined && ask.status !== "waiting") fiber.interruptUnsafe()
    }
  }

  /** Waits until nothing is on its way. */
  get answered(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (this.sent.size === 0) resume(Effect.void)
      else this.waiting.push(() => resume(Effect.void))
    })
  }

  /** It will not come to an answer any more: those who wait hear that nobody knows. */
  abandon(reason: string): void {
    for (const [fiber, { ask, entry }] of this.sent) {
      this.sent.delete(fiber)
      fiber.interruptUnsafe()
      this.cell.refuse(entry, ask, this.unavailable(reason, true))
    }
  }

  unavailable(reason: string, maybeHandled: boolean): LeaseUnavailable {
    return new LeaseUnavailable({ address: this.cell.address, node: this.host, reason, maybeHandled })
  }

  private send(entry: Entry, payload: unknown, ask: Ask | undefined): void {
    const { cell } = this
    const fiber = cell.kernel.fork(
      Effect.match(this.exchange(entry, payload, ask), {
        onFailure: (error) => cell.refuse(entry, ask, error),
        onSuccess: ({ isExpected, value }) => {
          if (ask === undefined) {
            if (isExpected) cell.deadLetter(entry, `its handler failed, and a tell has no asker`)
          } else if (isExpected) ask.failExpected(value)
          else ask.reply(value)
        }
      }),
      this.context
    )
    if (fiber.pollUnsafe() !== undefined) return
    this.sent.set(fiber, { entry, ask })
    fiber.addObserver(() => {
      if (!this.sent.delete(fiber)) return
      this.forward()
      if (this.sent.size === 0) for (const resume of this.waiting.splice(0)) resume()
    })
  }

  private exchange(entry: Entry, payload: unknown, ask: Ask | undefined): Effect.Effect<Answer, ActorError> {
    const { cell, lease } = this
    const { router } = cell.kernel
    const { definition } = cell.type
    const to = { realm: Address.localRealm, kind: definition.kind, name: cell.name }
    const target = { router, definition, to, address: cell.address, timeoutMs: Infinity, sender: undefined }
    return Effect.gen({ self: this }, function* () {
      const plain = yield* RemoteRef.encodePayload(target, entry, payload)
      const request = {
        _tag: "Deliver",
        kind: definition.kind,
        name: cell.name,
        epoch: lease.epoch,
        message: entry.name,
        isTell: ask === undefined,
        payload: plain
      } as const
      const chain = ask === undefined ? [] : router.chainOfAsk(ask)
      const answer = yield* Effect.mapError(LeaseProtocol.askHost(router, lease.holder, request, { chain }), (error) =>
        this.unavailable(error.reason, error.sent)
      )
      if (answer._tag === "Delivered") {
        const isExpected = answer.outcome._tag === "Failed"
        // A refusal is an error of the other actor system.
        const decoded = RemoteRef.decodeOutcome(target, entry, answer.outcome) as Effect.Effect<unknown, ActorError>
        return { isExpected, value: yield* isExpected ? Effect.catch(decoded, Effect.succeed<unknown>) : decoded }
      }
      if (answer._tag !== "NotHosted") return yield* this.unavailable("its lease ended there", true)
      this.notHosted()
      return yield* this.unavailable("it is no longer there", false)
    })
  }
}

/** What the handler over there answered: a reply, or one of its own errors. */
interface Answer {
  readonly isExpected: boolean
  readonly value: unknown
}
