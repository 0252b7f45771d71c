/**
 * The home of lent actors: grants another node the lease of an actor of this one, keeps its state, sends on what is sent to it,
 * and takes it back when the host gives it back or its lease has ended.
 *
 * At no time two nodes run it: the lease is on record before the host is asked, the host stops a margin before the home takes
 * back, and a write under an epoch that is not the present one is refused (`Fenced`). When the host cannot be reached an asker
 * hears so at once (`LeaseUnavailable`); after the end of the lease the actor goes on here, with all that was acknowledged.
 */
import * as Address from "@continuum/core/Address"
import type { PublicKey } from "@continuum/core/Identity"
import type { Lease } from "@continuum/core/LeaseAuthority"
import type { LeaseTable } from "@continuum/core/LeaseTable"
import { Effect, Fiber, Semaphore } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import { type LeaseUnavailable, MigrationRefused } from "./ActorError.ts"
import * as ActorLife from "./ActorLife.ts"
import { Away } from "./Away.ts"
import { type Holds, reach } from "./Holds.ts"
import type { Kernel } from "./Kernel.ts"
import * as LeaseProtocol from "./LeaseProtocol.ts"
import * as Limits from "./Limits.ts"

export class LeaseHome {
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
    for (const lease of table.found) {
      const address = Address.parseParts(lease.address)
      // Leases of services and of other realms are their holders' own affair.
      if (typeof address !== "string" && address.realm === Address.localRealm && address.kind !== "service")
        this.lent.set(lease.address, new Loan(lease))
    }
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
      if (type.isGuest) return yield* refused("its home is another node; move it from there")
      if (cell.relations?.parent !== undefined) return yield* refused("it is the child of another actor")
      if (cell.phase !== "ready") yield* Effect.mapError(reach(cell), ({ message }) => refused(message))
      if ((cell.relations?.children.size ?? 0) > 0) return yield* refused("it has children, which live where it does")
      if (cell.phase !== "ready" || !(yield* this.holds.hold(cell, type.definition.stopTimeoutMs)))
        return yield* refused("it did not come to rest; its handler is still busy, or it failed just now")
      const stay = (reason: string) => {
        this.holds.letGo(cell)
        return refused(reason)
      }
      const granted = yield* Effect.result(table.authority.acquire(address, realm, this.ttlMs))
      if (granted._tag === "Failure") return yield* stay(granted.failure.message)
      const lease = granted.success
      const away = this.awayOf(cell, new Loan(lease))
      const { kind } = type.definition
      const take = { _tag: "Take", kind, name: cell.name, epoch: lease.epoch, ttlMs: lease.ttlMs } as const
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
    ActorLife.goAway(away.cell)
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

  // ---------------------------------------------------------------- answers

  /** Answers what a host, or anybody who wants a lease, asks. */
  answer(realm: PublicKey, request: LeaseProtocol.HomeRequest): Effect.Effect<LeaseProtocol.HomeReply> {
    const { authority } = this.table
    const notAcquired = (error: LeaseProtocol.NotAcquired) =>
      Effect.succeed({ _tag: "NotAcquired", error } satisfies LeaseProtocol.HomeReply)
    switch (request._tag) {
      case "Load":
        return this.load(realm, request)
      case "Commit":
        return this.commit(realm, request)
      case "Renew":
        return this.renew(realm, request.leases)
      case "Acquire": {
        const { address, holder, ttlMs } = request
        if (!isService(address)) return notAcquired(LeaseProtocol.onlyServices(address))
        return Effect.matchEffect(authority.acquire(address, `${realm}/${holder}`, ttlMs), {
          onFailure: notAcquired,
          onSuccess: (lease) => Effect.succeed({ _tag: "Acquired", lease } satisfies LeaseProtocol.HomeReply)
        })
      }
      case "Release":
        return this.release(realm, request.lease)
      case "Find":
        return Effect.matchEffect(authority.find(request.address), {
          onFailure: notAcquired,
          onSuccess: (found) =>
            Effect.succeed({ _tag: "Found", lease: found ?? null } satisfies LeaseProtocol.HomeReply)
        })
    }
  }

  private release(realm: PublicKey, lease: Lease): Effect.Effect<LeaseProtocol.HomeReply> {
    return Effect.gen({ self: this }, function* () {
      if (!isOf(realm, lease)) return { _tag: "Released", was: false }
      const lent = this.lent.get(lease.address)?.lease
      if (lent?.epoch === lease.epoch && lent.holder === lease.holder) {
        const away = this.away.get(lease.address)
        if (away !== undefined) {
          yield* this.takeBack(away)
          return { _tag: "Released", was: true }
        }
        this.lent.delete(lease.address)
      }
      const was = yield* Effect.orElseSucceed(this.table.authority.release(lease), () => false)
      return { _tag: "Released", was }
    })
  }

  private renew(realm: PublicKey, leases: ReadonlyArray<Lease>): Effect.Effect<LeaseProtocol.HomeReply> {
    return Effect.map(
      Effect.forEach(leases, (lease) =>
        isOf(realm, lease)
          ? Effect.match(this.table.authority.renew(lease), {
              onFailure: () => [lease.epoch],
              onSuccess: (): Array<number> => []
            })
          : Effect.succeed([lease.epoch])
      ),
      (lost) => ({ _tag: "Renewed", lost: lost.flat() })
    )
  }

  private load(realm: PublicKey, request: Held): Effect.Effect<LeaseProtocol.HomeReply> {
    const lease = this.loanOf(realm, request)?.lease
    const { storage } = this.kernel
    if (lease === undefined || storage === undefined || !this.table.isCurrent(lease)) return fenced
    return Effect.match(storage.load(lease.address), {
      onFailure: (error): LeaseProtocol.HomeReply => ({ _tag: "Failed", reason: error.message }),
      onSuccess: (state) => ({ _tag: "Loaded", state: state ?? null })
    })
  }

  private commit(
    realm: PublicKey,
    request: Held & { readonly sequence: number; readonly state: Uint8Array | null }
  ): Effect.Effect<LeaseProtocol.HomeReply> {
    const loan = this.loanOf(realm, request)
    const { storage } = this.kernel
    if (loan === undefined || storage === undefined) return fenced
    const { lease } = loan
    const stored = Effect.suspend((): Effect.Effect<LeaseProtocol.HomeReply> => {
      // Looked at in the turn: who takes the actor back waits for its turn after the lease has ended.
      if (!this.table.isCurrent(lease)) return fenced
      if (request.sequence <= loan.stored) return committed
      const write = { address: lease.address, state: request.state ?? undefined }
      return Effect.match(Effect.flatten(storage.commit([write])), {
        onFailure: ({ reason }): LeaseProtocol.HomeReply => ({ _tag: "Failed", reason }),
        onSuccess: () => {
          loan.stored = request.sequence
          return { _tag: "Committed" }
        }
      })
    })
    return Effect.uninterruptible(loan.turn.withPermits(1)(stored))
  }

  private loanOf(realm: PublicKey, { epoch, kind, name }: Held): Loan | undefined {
    const loan = this.lent.get(Address.format({ realm: Address.localRealm, kind, name }))
    return loan?.lease.epoch === epoch && loan.lease.holder === realm ? loan : undefined
  }
}

/** A lease that is another's, and the commits under it. */
class Loan {
  readonly lease: Lease
  /** Sequence of the last commit that was stored; 0 also after a restart, when none can be sent a second time any more. */
  stored: number
  /** One commit at a time. */
  readonly turn: Semaphore.Semaphore

  constructor(lease: Lease) {
    this.lease = lease
    this.stored = 0
    this.turn = Semaphore.makeUnsafe(1)
  }
}

interface Held {
  readonly kind: string
  readonly name: string
  readonly epoch: number
}

const fenced: Effect.Effect<LeaseProtocol.HomeReply> = Effect.succeed({ _tag: "Fenced" })
const committed: Effect.Effect<LeaseProtocol.HomeReply> = Effect.succeed({ _tag: "Committed" })

/** Whether a lease is of a node, or of something on it. */
const isOf = (realm: PublicKey, { holder }: Lease): boolean => holder === realm || holder.startsWith(`${realm}/`)

/** Actors are lent only by their home; what runs once in a realm may be anybody's who is granted it. */
const isService = (text: string): boolean => {
  const address = Address.parseParts(text)
  return typeof address !== "string" && address.kind === "service"
}
