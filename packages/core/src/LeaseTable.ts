/**
 * A `LeaseAuthority` in this process, over any place that keeps records. What was on record when it began counts from then
 * on, as if it were just renewed: nobody knows when its holder did so last.
 *
 * Epochs are at least the time in milliseconds, so that they grow even where records were lost or an old backup came back.
 */
import { Clock, Effect, Layer, Schema, Semaphore } from "effect"
import { LeaseAuthority, LeaseHeld, type Lease, LeaseLost, LeaseNotGranted } from "./LeaseAuthority.ts"
import { leasesMax, leaseTtlMsMax, leaseTtlMsMin } from "./Limits.ts"

/** The records could not be read or written. */
export class LeasesNotStored extends Schema.TaggedError<LeasesNotStored>()("LeasesNotStored", {
  reason: Schema.String
}) {
  override get message() {
    return `The leases could not be stored: ${this.reason}`
  }
}

export interface LeaseRecords {
  /** Of the last lease that was granted; 0 when there was none. */
  readonly epoch: number
  /** At most one for each address. */
  readonly leases: ReadonlyArray<Lease>
}

/** Where leases are kept. `save` is done when the change survives a power cut. */
export interface LeaseStore {
  readonly load: Effect.Effect<LeaseRecords, LeasesNotStored>
  /** The last epoch, and the lease of an address or its end. */
  readonly save: (epoch: number, address: string, lease: Lease | undefined) => Effect.Effect<void, LeasesNotStored>
}

/** The authority, and what only its own process can ask: whether a lease is current now, without waiting. */
export interface LeaseTable {
  readonly authority: LeaseAuthority["Service"]
  readonly isCurrent: (lease: Pick<Lease, "address" | "epoch" | "holder">) => boolean
  /** What was on record when it began. */
  readonly found: ReadonlyArray<Lease>
}

interface Entry {
  readonly lease: Lease
  /** By the monotonic clock. */
  endsAtMs: number
  /** Whether it is granted; until then nobody else may have it. */
  granted: boolean
}

export const make = (store: LeaseStore): Effect.Effect<LeaseTable, LeasesNotStored> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    // The wall clock may jump, and an authority that is early gives the same thing away twice.
    const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const records = yield* store.load
    const table = new Map<string, Entry>()
    for (const lease of records.leases) {
      table.set(lease.address, { lease, endsAtMs: nowMs() + lease.ttlMs, granted: true })
    }
    let epoch = records.epoch
    // One change of the records at a time, so that an older epoch never replaces a newer one.
    const saving = Semaphore.makeUnsafe(1)
    const notGranted = (address: string) => (error: LeasesNotStored) =>
      new LeaseNotGranted({ address, reason: error.reason })

    const entryOf = ({ address, epoch, holder }: Pick<Lease, "address" | "epoch" | "holder">): Entry | undefined => {
      const entry = table.get(address)
      return entry?.granted === true && entry.lease.epoch === epoch && entry.lease.holder === holder ? entry : undefined
    }

    const acquire = (address: string, holder: string, ttlMs: number) =>
      Effect.gen(function* () {
        if (!Number.isInteger(ttlMs) || ttlMs < leaseTtlMsMin || ttlMs > leaseTtlMsMax) {
          throw new RangeError(`A lease has ${leaseTtlMsMin} to ${leaseTtlMsMax} whole milliseconds, not ${ttlMs}`)
        }
        const held = table.get(address)
        if (held !== undefined && (!held.granted || held.endsAtMs > nowMs())) {
          const remainingMs = Math.max(1, held.endsAtMs - nowMs())
          return yield* new LeaseHeld({ address, holder: held.lease.holder, remainingMs })
        }
        if (held === undefined && table.size >= leasesMax) {
          return yield* new LeaseNotGranted({ address, reason: `there are ${leasesMax} leases already` })
        }
        epoch = Math.max(epoch + 1, Math.floor(clock.currentTimeMillisUnsafe()))
        const lease: Lease = { address, holder, epoch, ttlMs }
        const entry: Entry = { lease, endsAtMs: nowMs() + ttlMs, granted: false }
        table.set(address, entry)
        yield* Effect.onError(saving.withPermits(1)(store.save(epoch, address, lease)), () =>
          Effect.sync(() => {
            // It may be on record, and then counts after a restart; until then nobody has it.
            if (table.get(address) === entry) table.delete(address)
          })
        ).pipe(Effect.mapError(notGranted(address)))
        entry.endsAtMs = nowMs() + ttlMs
        entry.granted = true
        return lease
      }).pipe(Effect.uninterruptible)

    const release = (lease: Lease) =>
      Effect.suspend(() => {
        if (entryOf(lease) === undefined) return Effect.succeed(false)
        table.delete(lease.address)
        // What another one has meanwhile must not be removed.
        const remove = Effect.suspend(() =>
          table.has(lease.address) ? Effect.void : store.save(epoch, lease.address, undefined)
        )
        return Effect.as(Effect.mapError(saving.withPermits(1)(remove), notGranted(lease.address)), true)
      }).pipe(Effect.uninterruptible)

    return {
      found: records.leases,
      isCurrent: (lease) => (entryOf(lease)?.endsAtMs ?? 0) > nowMs(),
      authority: LeaseAuthority.of({
        acquire,
        renew: (lease) =>
          Effect.suspend(() => {
            const entry = entryOf(lease)
            if (entry === undefined || entry.endsAtMs <= nowMs()) {
              return Effect.fail(new LeaseLost({ address: lease.address, epoch: lease.epoch }))
            }
            entry.endsAtMs = nowMs() + lease.ttlMs
            return Effect.void
          }),
        release,
        find: (address) =>
          Effect.sync(() => {
            const entry = table.get(address)
            const remainingMs = (entry?.endsAtMs ?? 0) - nowMs()
            return entry?.granted === true && remainingMs > 0 ? { ...entry.lease, remainingMs } : undefined
          })
      })
    }
  })

/** Records that live as long as this process. */
export const storeMemory = (): LeaseStore => {
  let epoch = 0
  const leases = new Map<string, Lease>()
  return {
    load: Effect.sync(() => ({ epoch, leases: [...leases.values()] })),
    save: (last, address, lease) =>
      Effect.sync(() => {
        epoch = last
        if (lease === undefined) leases.delete(address)
        else leases.set(address, lease)
      })
  }
}

/** An authority that forgets when this process ends. */
export const layerMemory: Layer.Layer<LeaseAuthority> = Layer.effect(
  LeaseAuthority,
  Effect.map(
    Effect.suspend(() => Effect.orDie(make(storeMemory()))),
    ({ authority }) => authority
  )
)
