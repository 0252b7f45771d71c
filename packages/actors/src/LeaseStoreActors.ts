/**
 * Keeps leases among the stored states of actors, so that they have the same checksums, transactions and backups. No address
 * looks like their keys.
 */
import * as Codec from "@continuum/core/Codec"
import { Lease } from "@continuum/core/LeaseAuthority"
import { LeasesNotStored, type LeaseRecords, type LeaseStore } from "@continuum/core/LeaseTable"
import { leasesMax, leaseTtlMsMax } from "@continuum/core/Limits"
import { Effect, Schema } from "effect"
import type { ActorStorage, StorageFailed } from "./ActorStorage.ts"

const epochKey = "lease-epoch"
const prefix = "lease:"
const commonPrefix = "lease"

export const make = (storage: ActorStorage["Service"]): LeaseStore => ({
  load: Effect.gen(function* () {
    const found = yield* Effect.mapError(storage.list(commonPrefix, leasesMax + 1), notStored)
    const epoch = found.includes(epochKey) ? yield* valueOf(storage, epochKey) : undefined
    const keys = found.filter((key) => key.startsWith(prefix))
    const leases = yield* Effect.forEach(keys, (key) =>
      Effect.map(valueOf(storage, key), (value) => leaseOf(key.slice(prefix.length), value))
    )
    // Damaged ones are waited for once: afterwards they have ended, whosever they were.
    const damaged = (yield* Effect.mapError(storage.quarantined, notStored)).map(({ address }) => address)
    for (const key of damaged.filter((key) => key.startsWith(prefix))) {
      if (!keys.includes(key)) leases.push(leaseOf(key.slice(prefix.length), undefined))
      yield* Effect.mapError(storage.release(key), notStored)
    }
    return { epoch: typeof epoch === "number" ? epoch : 0, leases } satisfies LeaseRecords
  }),
  save: (epoch, address, lease) =>
    Effect.mapError(
      Effect.flatten(
        storage.commit([
          { address: epochKey, state: Codec.encode(epoch) },
          { address: prefix + address, state: lease === undefined ? undefined : Codec.encode(lease) }
        ])
      ),
      notStored
    )
})

const isLease = Schema.is(Lease)

/** A record that cannot be read is somebody's whom nobody knows: it must end before another may have the address. */
const leaseOf = (address: string, value: unknown): Lease =>
  isLease(value) && value.address === address ? value : { address, holder: "unknown", epoch: 1, ttlMs: leaseTtlMsMax }

/** The value of a record; undefined when there is none or it is damaged. */
const valueOf = (storage: ActorStorage["Service"], key: string): Effect.Effect<unknown, LeasesNotStored> =>
  storage.load(key).pipe(
    Effect.map((bytes) => (bytes === undefined ? undefined : Codec.decodeUnsafe(bytes))),
    Effect.catchTag("RecordQuarantined", () => Effect.succeed(undefined)),
    Effect.catchTag("StorageFailed", (error) => Effect.fail(notStored(error)))
  )

const notStored = (error: StorageFailed): LeasesNotStored => new LeasesNotStored({ reason: error.reason })
