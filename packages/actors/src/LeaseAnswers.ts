/**
 * What a home answers: to hosts, which load and store the states of lent actors and renew their leases, and to whoever wants a
 * lease of a service. Each answer is held against the lease and the realm that the connection has proven.
 */
import * as Address from "@continuum/core/Address"
import type { PublicKey } from "@continuum/core/Identity"
import type { Lease } from "@continuum/core/LeaseAuthority"
import type { LeaseTable } from "@continuum/core/LeaseTable"
import { Effect } from "effect"
import * as GuestStorage from "./GuestStorage.ts"
import * as JournalRecords from "./JournalRecords.ts"
import type { Kernel } from "./Kernel.ts"
import * as LeaseProtocol from "./LeaseProtocol.ts"
import * as Limits from "./Limits.ts"
import type { Loan } from "./Loan.ts"

export class LeaseAnswers {
  private readonly kernel: Kernel
  private readonly table: LeaseTable
  private readonly lent: ReadonlyMap<string, Loan>
  private readonly takeBack: (lease: Lease) => Effect.Effect<void>

  /** `takeBack`: the host of a lent actor has given it back. */
  constructor(
    kernel: Kernel,
    table: LeaseTable,
    lent: ReadonlyMap<string, Loan>,
    takeBack: (lease: Lease) => Effect.Effect<void>
  ) {
    this.kernel = kernel
    this.table = table
    this.lent = lent
    this.takeBack = takeBack
  }

  /** Answers what a host, or anybody who wants a lease, asks. */
  answer(realm: PublicKey, request: LeaseProtocol.HomeRequest): Effect.Effect<LeaseProtocol.HomeReply> {
    const { authority } = this.table
    const notAcquired = (error: LeaseProtocol.NotAcquired) =>
      Effect.succeed({ _tag: "NotAcquired", error } satisfies LeaseProtocol.HomeReply)
    switch (request._tag) {
      case "Load":
        return this.load(realm, request)
      case "LoadEvents":
        return this.loadEvents(realm, request)
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
      const was = yield* Effect.orElseSucceed(this.table.authority.release(lease), () => false)
      const lent = this.lent.get(lease.address)?.lease
      if (lent?.epoch === lease.epoch && lent.holder === lease.holder) yield* this.takeBack(lent)
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

  private loadEvents(
    realm: PublicKey,
    request: Held & { readonly from: number }
  ): Effect.Effect<LeaseProtocol.HomeReply> {
    const lease = this.loanOf(realm, request)?.lease
    const { storage } = this.kernel
    if (lease === undefined || storage === undefined || !this.table.isCurrent(lease)) return fenced
    return Effect.match(JournalRecords.page(storage, lease.address, request.from, Limits.recordsSentBytesMax), {
      onFailure: (error): LeaseProtocol.HomeReply => ({ _tag: "Failed", reason: error.message }),
      onSuccess: (page) => ({ _tag: "LoadedEvents", ...page })
    })
  }

  private commit(
    realm: PublicKey,
    request: Held & { readonly sequence: number; readonly records: ReadonlyArray<LeaseProtocol.StoredRecord> }
  ): Effect.Effect<LeaseProtocol.HomeReply> {
    const loan = this.loanOf(realm, request)
    const { storage } = this.kernel
    if (loan === undefined || storage === undefined) return fenced
    const { lease } = loan
    const stored = Effect.suspend((): Effect.Effect<LeaseProtocol.HomeReply> => {
      // Looked at in the turn: who takes the actor back waits for its turn after the lease has ended.
      if (!this.table.isCurrent(lease)) return fenced
      if (request.sequence <= loan.stored) return committed
      const writes = request.records.map((record) => GuestStorage.writeOf(lease.address, record))
      return Effect.match(Effect.flatten(storage.commit(writes)), {
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
