/**
 * The home of lent actors: grants another node the lease of an actor of this one, keeps its state, sends on what is sent to it,
 * and takes it back when the host gives it back or its lease has ended.
 *
 * At no time two nodes run it: the lease is on record before the host is asked, the host stops a margin before the home takes
 * back, and a write under an epoch that is not the present one is refused (`Fenced`). When the host cannot be reached an asker
 * hears so at once (`LeaseUnavailable`); after the end of the lease the actor goes on here, with all that was acknowledged.
 */
import * as Address from "@continuum/core/Address"
import type { LeaseTable } from "@continuum/core/LeaseTable"
import { Effect, Fiber, Semaphore } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import { type LeaseUnavailable, MigrationRefused } from "./ActorError.ts"
import * as ActorLife from "./ActorLife.ts"
import * as ActorStop from "./ActorStop.ts"
import { Away } from "./Away.ts"
import { type Holds, reach } from "./Holds.ts"
import type { Kernel } from "./Kernel.ts"
import { LeaseAnswers } from "./LeaseAnswers.ts"
import * as LeaseProtocol from "./LeaseProtocol.ts"
import * as Limits from "./Limits.ts"
import { Loan } from "./Loan.ts"

export class LeaseHome {
  /** Answers what hosts ask. */
  readonly answers: LeaseAnswers
  private readonly kernel: Kernel
  private readonly table: LeaseTable
  private readonly holds: Holds
  private readonly ttlMs: number
  /** Actors of this node that others hold, by address, whether they are in memory here or not. */
  private readonly lent: Map<string, Loan>
  private readonly away: Map<string, Away>
  /** One migration of an actor at a time. */
  private readonly moving: Map<string, { readonly turn: Semaphore.Semaphore; users: number }>

  constructor(kernel: Kernel, table: LeaseTable, holds: Holds, ttlMs: number) {
    this.kernel = kernel
    this.table = table
    this.holds = holds
    this.ttlMs = ttlMs
    this.lent = new Map()
    this.away = new Map()
    this.moving = new Map()
    this.answers = new LeaseAnswers(kernel, table, this.lent, (lease) => {
      const away = this.away.get(lease.address)
      return away === undefined ? Effect.sync(() => void this.lent.delete(lease.address)) : this.takeBack(away)
    })
    for (const lease of table.found) {
      const address = Address.parseParts(lease.address)
      // Leases of services and of other realms are their holders' own affair.
      if (typeof address !== "string" && address.realm === Address.localRealm && address.kind !== "service")
        this.lent.set(lease.address, new Loan(lease))
    }
  }

  /** Actors that are lent. */
  get size(): number {
    return this.lent.size
  }

  /** Whether any actor is lent: if not, nothing else here is asked. */
  get isAnyLent(): boolean {
    return this.lent.size > 0
  }

  /** The lent actor of a cell. */
  of(cell: ActorCell): Away | undefined {
    return this.isAnyLent ? this.away.get(cell.address) : undefined
  }

  /** The realm where an actor of this address runs; undefined when that is here. */
  hostOf(address: string): string | undefined {
    return this.lent.get(address)?.lease.holder
  }

  /** An actor that is about to start is lent: it does not start, but sends on what it gets. Whether it is. */
  standsIn(cell: ActorCell): boolean {
    const loan = this.isAnyLent ? this.lent.get(cell.address) : undefined
    if (loan === undefined) return false
    this.leave(this.awayOf(cell, loan))
    return true
  }

  // ---------------------------------------------------------------- moving

  /** Lends an actor to the node of a realm, or brings it home with `local`. */
  migrate(cell: ActorCell, to: string): Effect.Effect<void, MigrationRefused | LeaseUnavailable> {
    const realm = this.kernel.router.isOwn(to) ? Address.localRealm : to
    const moved = Effect.gen({ self: this }, function* () {
      const away = this.away.get(cell.address)
      if (away?.host === realm) return
      if (away !== undefined) yield* this.bringHome(away)
      if (realm !== Address.localRealm) yield* this.lend(cell, realm)
    })
    return this.alone(cell.address, moved)
  }

  /** Makes sure that an actor runs here, for what can be done only at home. */
  ensureHome(cell: ActorCell): Effect.Effect<void, LeaseUnavailable> {
    if (this.of(cell) === undefined) return Effect.void
    const home = Effect.suspend(() => {
      const away = this.away.get(cell.address)
      return away === undefined ? Effect.void : this.bringHome(away)
    })
    return this.alone(cell.address, home)
  }

  /** One after the other for each actor, and to its end, also when the one who wants it gives up. */
  private alone<E>(address: string, task: Effect.Effect<void, E>): Effect.Effect<void, E> {
    return Effect.suspend(() => {
      const moving = this.moving.get(address) ?? { turn: Semaphore.makeUnsafe(1), users: 0 }
      moving.users++
      this.moving.set(address, moving)
      const whole = Effect.ensuring(
        moving.turn.withPermits(1)(task),
        Effect.sync(() => {
          if (--moving.users === 0) this.moving.delete(address)
        })
      )
      return Fiber.join(this.kernel.fork(whole, this.kernel.context))
    })
  }

  private lend(cell: ActorCell, realm: string): Effect.Effect<void, MigrationRefused | LeaseUnavailable> {
    const { kernel, table } = this
    const { address, type } = cell
    const refused = (reason: string) => new MigrationRefused({ address, to: realm, reason })
    return Effect.gen({ self: this }, function* () {
      if (!type.durable) return yield* refused("it is not durable, and what it knows would be lost")
      if (type.post !== undefined) return yield* refused("it has a durable mailbox, which stays with it")
      if (type.isGuest) return yield* refused("its home is another node; move it from there")
      if (cell.parent !== undefined) return yield* refused("it is the child of another actor")
      if ([...type.definition.entries.values()].some(({ streams }) => streams))
        return yield* refused("it answers with streams, which do not move")
      if (cell.phase !== "ready") yield* Effect.mapError(reach(cell), ({ message }) => refused(message))
      if (cell.stash !== undefined) return yield* refused("it has set messages aside, which do not move")
      if ((cell.relations?.children.size ?? 0) > 0) return yield* refused("it has children, which live where it does")
      if (cell.phase !== "ready" || !(yield* this.holds.hold(cell, type.definition.stopTimeoutMs)))
        return yield* refused("it did not come to rest; its handler is still busy, or it failed just now")
      const stay = (reason: string) => {
        this.holds.letGo(cell)
        return refused(reason)
      }
      if (kernel.reminders.of(address).length > 0) return yield* stay("it has reminders, which stay with it")
      const granted = yield* Effect.result(table.authority.acquire(address, realm, this.ttlMs))
      if (granted._tag === "Failure") return yield* stay(granted.failure.message)
      const lease = granted.success
      const away = this.awayOf(cell, new Loan(lease))
      const { kind } = type.definition
      const hasJournal = type.journal !== undefined
      const { epoch, ttlMs } = lease
      const take = { _tag: "Take", kind, name: cell.name, epoch, ttlMs, hasJournal } as const
      const asked = yield* Effect.result(
        LeaseProtocol.askHost(kernel.router, realm, take, { deadlineMs: Limits.migrationStepMs })
      )
      const problem =
        asked._tag === "Success"
          ? asked.success._tag === "Refused"
            ? asked.success.reason
            : undefined
          : asked.failure.sent
            ? undefined
            : asked.failure.reason
      if (problem !== undefined) {
        yield* this.takeBack(away)
        return yield* stay(problem)
      }
      if (!this.holds.isHeld(cell)) {
        yield* Effect.ignore(this.bringHome(away))
        return yield* refused("it was stopped or restarted meanwhile")
      }
      this.leave(away)
      // Nobody knows whether it runs there: the lease will tell.
      if (asked._tag === "Failure") return yield* away.unavailable(asked.failure.reason, false)
    })
  }

  private awayOf(cell: ActorCell, loan: Loan): Away {
    const known = this.away.get(cell.address)
    if (known !== undefined) return known
    const away: Away = new Away(cell, loan.lease, () => this.kernel.forkBackground(this.takeBack(away)))
    this.lent.set(cell.address, loan)
    this.away.set(cell.address, away)
    return away
  }

  /** From now on the actor is elsewhere. */
  private leave(away: Away): void {
    ActorStop.goAway(away.cell)
    this.kernel.forkBackground(this.watch(away))
    away.forward()
  }

  /** Has the host handle what it got, and takes the actor back. */
  private bringHome(away: Away): Effect.Effect<void, LeaseUnavailable> {
    const { cell, lease } = away
    const { definition } = cell.type
    return Effect.gen({ self: this }, function* () {
      away.isReturning = true
      const request = { _tag: "GiveBack", kind: definition.kind, name: cell.name, epoch: lease.epoch } as const
      const asked = yield* Effect.result(
        LeaseProtocol.askHost(this.kernel.router, away.host, request, {
          deadlineMs: definition.stopTimeoutMs + Limits.migrationStepMs
        })
      )
      if (asked._tag === "Success" && (asked.success._tag === "GivenBack" || asked.success._tag === "NotHosted")) {
        yield* Effect.timeoutOption(away.answered, Limits.migrationStepMs)
        return yield* this.takeBack(away)
      }
      if (this.away.get(cell.address) !== away) return
      away.isReturning = false
      away.forward()
      const reason = asked._tag === "Failure" ? asked.failure.reason : "it did not come to rest there"
      return yield* away.unavailable(reason, false)
    })
  }

  /** Waits for the end of a lease. */
  private watch(away: Away): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { address } = away.lease
      for (;;) {
        const found = yield* Effect.orElseSucceed(this.table.authority.find(address), () => undefined)
        if (this.away.get(address) !== away) return
        if (found?.epoch !== away.lease.epoch) return yield* this.takeBack(away)
        yield* Effect.sleep(Math.min(found.remainingMs, Limits.lentLookEveryMs))
        away.cancelSettled()
      }
    })
  }

  /** The actor is here again, from what is stored. Nothing may run for it elsewhere any more. */
  private takeBack(away: Away): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { cell, lease } = away
      const isDone = () => this.away.get(lease.address) !== away
      if (isDone()) return
      away.isReturning = true
      yield* Effect.catch(this.table.authority.release(lease), ({ message }) =>
        Effect.logWarning(`The end of a lease is not on record, and will count once more after a restart: ${message}`)
      )
      // Whoever has the turn after all that wait for it comes after their writes.
      yield* this.lent.get(lease.address)?.turn.withPermits(1)(Effect.void) ?? Effect.void
      if (isDone()) return
      this.away.delete(lease.address)
      this.lent.delete(lease.address)
      away.abandon("its lease ended")
      if (cell.phase === "away") ActorLife.start(cell)
    })
  }
}
