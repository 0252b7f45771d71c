/**
 * The guests of this node: actors of other nodes that run here under leases. Renews their leases, hands them what their home
 * sends, and stops them when they are given back, lost, or their time is over.
 */
import type { Outcome } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import type { PublicKey } from "@continuum/core/Identity"
import * as Address from "@continuum/core/Address"
import { leaseRenewAfter } from "@continuum/core/Limits"
import { Effect } from "effect"
import { LeaseUnavailable } from "./ActorError.ts"
import * as ActorStop from "./ActorStop.ts"
import type { ActorType } from "./ActorType.ts"
import { Guest, type Request } from "./Guest.ts"
import { type Holds, reach } from "./Holds.ts"
import type { Kernel } from "./Kernel.ts"
import * as LeaseProtocol from "./LeaseProtocol.ts"
import * as Limits from "./Limits.ts"
import * as Receiver from "./Receiver.ts"

export class LeaseHost {
  private readonly kernel: Kernel
  private readonly holds: Holds
  private readonly guests: Map<string, Guest>
  /** Realms whose leases are being renewed. */
  private readonly renewing: Set<string>

  constructor(kernel: Kernel, holds: Holds) {
    this.kernel = kernel
    this.holds = holds
    this.guests = new Map()
    this.renewing = new Set()
  }

  get size(): number {
    return this.guests.size
  }

  /** The types of the guests, each with one actor. */
  get types(): ReadonlyArray<ActorType> {
    return Array.from(this.guests.values(), ({ type }) => type)
  }

  /** Answers what the home of a guest asks. */
  answer(
    realm: PublicKey,
    request: LeaseProtocol.HostRequest,
    envelope: Envelope
  ): Effect.Effect<LeaseProtocol.HostReply> {
    if (request._tag === "Take") return this.take(realm, request)
    const guest = this.guests.get(addressOf(realm, request))
    if (guest === undefined || guest.lease.epoch !== request.epoch) return Effect.succeed({ _tag: "NotHosted" })
    return request._tag === "Deliver" ? this.deliver(guest, request, envelope) : this.giveBack(guest)
  }

  /** Gives all guests back to their homes: the system stops, and what they did is stored. */
  readonly release: Effect.Effect<void> = Effect.suspend(() => {
    const guests = [...this.guests.values()]
    return Effect.forEach(
      guests,
      (guest) =>
        Effect.gen({ self: this }, function* () {
          yield* guest.commits.settled
          this.end(guest, "its host stops")
          yield* LeaseProtocol.askHome(
            this.kernel.router,
            guest.home,
            { _tag: "Release", lease: guest.lease },
            { deadlineMs: Limits.migrationStepMs }
          )
        }).pipe(Effect.ignore),
      { concurrency: "unbounded", discard: true }
    )
  })

  // ---------------------------------------------------------------- coming

  private take(home: PublicKey, request: Request): Effect.Effect<LeaseProtocol.HostReply> {
    const { kernel } = this
    const refused = (reason: string) => Effect.succeed({ _tag: "Refused", reason } satisfies LeaseProtocol.HostReply)
    return Effect.suspend(() => {
      const own = kernel.types.get(request.kind)
      if (own === undefined)
        return refused(`that node has no actors of kind "${request.kind}"; register the definition there`)
      if (own.definition.durable === false) return refused(`there, actors of kind "${request.kind}" are not durable`)
      if ((own.journal !== undefined) !== request.hasJournal)
        return refused(`there, actors of kind "${request.kind}" have ${request.hasJournal ? "no" : "a"} journal`)
      if (own.post !== undefined) return refused(`there, actors of kind "${request.kind}" have a durable mailbox`)
      if (kernel.stopping) return refused("that node stops")
      if (this.guests.size >= Limits.guestsMax) return refused(`that node has ${Limits.guestsMax} guests already`)
      const address = addressOf(home, request)
      const present = this.guests.get(address)
      if (present !== undefined) {
        if (present.lease.epoch >= request.epoch) return refused("that node has a newer lease of it")
        this.end(present, "its home lent it anew")
      }
      const guest: Guest = new Guest(kernel, own, home, request, kernel.router.realm!, () =>
        this.end(guest, "its home took it back")
      )
      this.guests.set(address, guest)
      return Effect.gen({ self: this }, function* () {
        // The time counts from here, because the home answers later than now.
        if (!(yield* this.renew(home, [guest])))
          return yield* refused("its home did not confirm the lease; it must grant that node actors.migrate")
        const cell = guest.type.cell(guest.name)
        if (cell === undefined) return yield* refused(guest.type.whyNot(guest.name).reason)
        guest.cell = cell
        const problem = yield* Effect.match(reach(cell), {
          onFailure: (error) => ("reason" in error ? error.reason : error.message),
          onSuccess: () => undefined
        })
        if (problem !== undefined) return yield* refused(problem)
        kernel.forkBackground(this.watch(guest))
        this.renewAll(home)
        return { _tag: "Taken" } satisfies LeaseProtocol.HostReply
      }).pipe(
        Effect.tap((reply) =>
          Effect.sync(() => (reply._tag === "Taken" ? undefined : this.end(guest, "it could not begin")))
        ),
        Effect.onInterrupt(() => Effect.sync(() => this.end(guest, "its home gave up waiting")))
      )
    })
  }

  // ---------------------------------------------------------------- staying

  private deliver(
    guest: Guest,
    request: LeaseProtocol.Deliver,
    envelope: Envelope
  ): Effect.Effect<LeaseProtocol.HostReply> {
    // The timer may be late, where a machine slept or was busy.
    if (guest.term.remainingMs <= 0) {
      this.end(guest, timeOver)
      return Effect.succeed({ _tag: "NotHosted" })
    }
    guest.delivering++
    const outcome: Effect.Effect<Outcome> = Receiver.handle(this.kernel, guest.type, request, envelope)
    return outcome.pipe(
      Effect.map((outcome): LeaseProtocol.HostReply =>
        guest.term.remainingMs > 0 ? { _tag: "Delivered", outcome } : { _tag: "Ended" }
      ),
      Effect.ensuring(Effect.sync(() => guest.delivered()))
    )
  }

  /** Renews the leases of one home, until there are none. */
  private renewAll(home: string): void {
    if (this.renewing.has(home)) return
    this.renewing.add(home)
    const guestsOf = () => [...this.guests.values()].filter((guest) => guest.home === home)
    this.kernel.forkBackground(
      Effect.gen({ self: this }, function* () {
        for (let guests = guestsOf(); guests.length > 0; guests = guestsOf()) {
          const ttlMs = Math.min(...guests.map(({ lease }) => lease.ttlMs))
          yield* Effect.sleep(ttlMs * leaseRenewAfter)
          const present = guestsOf()
          for (let at = 0; at < present.length; at += Limits.renewedAtOnceMax) {
            yield* this.renew(home, present.slice(at, at + Limits.renewedAtOnceMax))
          }
        }
        this.renewing.delete(home)
      })
    )
  }

  /** Whether the home answered, and has lost none of them. */
  private renew(home: string, guests: ReadonlyArray<Guest>): Effect.Effect<boolean> {
    return Effect.gen({ self: this }, function* () {
      const asked = guests.map((guest) => [guest, guest.term.now()] as const)
      const deadlineMs = Math.min(...guests.map(({ lease }) => lease.ttlMs)) * leaseRenewAfter
      const request = { _tag: "Renew", leases: guests.map(({ lease }) => lease) } as const
      const reply = yield* Effect.option(LeaseProtocol.askHome(this.kernel.router, home, request, { deadlineMs }))
      if (reply._tag === "None" || reply.value._tag !== "Renewed") return false
      const lost = new Set(reply.value.lost)
      for (const [guest, moment] of asked) {
        if (lost.has(guest.lease.epoch)) this.end(guest, "its home took it back")
        else guest.term.renewed(moment)
      }
      return lost.size === 0
    })
  }

  /** Stops the guest when its time is over. */
  private watch(guest: Guest): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      while (this.guests.get(guest.address) === guest) {
        const { remainingMs } = guest.term
        if (remainingMs <= 0) return this.end(guest, timeOver)
        yield* Effect.sleep(Math.min(remainingMs, guest.lease.ttlMs * leaseRenewAfter))
      }
    })
  }

  // ---------------------------------------------------------------- leaving

  private giveBack(guest: Guest): Effect.Effect<LeaseProtocol.HostReply> {
    const { cell } = guest
    const { stopTimeoutMs } = guest.type.definition
    return Effect.gen({ self: this }, function* () {
      if (cell !== undefined && cell.phase !== "stopped") {
        // All that its home has sent is handled before it goes.
        const reached = yield* Effect.timeoutOption(Effect.ignore(reach(cell)), stopTimeoutMs)
        if (reached._tag === "None") return refusedBusy
        if (cell.phase === "ready" && !(yield* this.holds.hold(cell, stopTimeoutMs))) return refusedBusy
      }
      // Their answers leave first.
      yield* Effect.timeoutOption(guest.answered, stopTimeoutMs)
      this.end(guest, "its home took it back")
      return { _tag: "GivenBack" }
    })
  }

  private end(guest: Guest, reason: string): void {
    if (this.guests.get(guest.address) !== guest) return
    this.guests.delete(guest.address)
    guest.term.end()
    if (guest.cell === undefined) return
    const { address } = guest
    const node = this.kernel.router.realm!
    ActorStop.evict(guest.cell, reason, new LeaseUnavailable({ address, node, reason, maybeHandled: true }))
  }
}

const timeOver = "its lease has ended, and its home did not renew it"
const refusedBusy: LeaseProtocol.HostReply = { _tag: "Refused", reason: "its handler is still busy" }

const addressOf = (realm: string, { kind, name }: { readonly kind: string; readonly name: string }): string =>
  Address.format({ realm, kind, name })
