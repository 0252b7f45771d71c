/**
 * The disk of a simulated node, as an `ActorStorage` that outlives the node. What was committed can be read at once and is safe when
 * it is flushed, a while later; a crash loses what was not, the newest first. By chance a commit fails, the disk is full, or a crash
 * tears a record that was being written. A damaged record is found by its checksum and set aside, as on a real disk.
 */
import { Clock, Effect, Result } from "effect"
import { ActorStorage, type Quarantined, RecordQuarantined, StorageFailed, type Write } from "../ActorStorage.ts"
import * as StateRecord from "../StateRecord.ts"
import type { SimulationChance } from "./SimulationChance.ts"

/** Probabilities from 0 to 1, and times. */
export interface DiskFaults {
  /** A commit is refused. */
  readonly commitFails: number
  /** A crash leaves the half of a record, of those that were not flushed. */
  readonly recordTorn: number
  /** A record that is read for the first time after a start has a wrong bit. */
  readonly recordCorrupt: number
  /** Longest time of a commit, and of a flush. */
  readonly delayMsMax: number
}

export const noFaults: DiskFaults = { commitFails: 0, recordTorn: 0, recordCorrupt: 0, delayMsMax: 5 }

export class SimulationDisk {
  /** Whether there is room for anything. */
  isFull: boolean
  /** Addresses of records that chance has damaged. */
  readonly damaged: Set<string>
  private readonly chance: SimulationChance
  private readonly faults: DiskFaults
  private flushed: Map<string, Uint8Array>
  private unflushed: Array<Array<Write>>
  private readonly aside: Map<string, Quarantined>

  constructor(chance: SimulationChance, faults: DiskFaults) {
    this.isFull = false
    this.damaged = new Set()
    this.chance = chance
    this.faults = faults
    this.flushed = new Map()
    this.unflushed = []
    this.aside = new Map()
  }

  /** The power is gone: of what was not flushed, an older part may have reached the disk. */
  crash(): void {
    const survive = this.chance.below(this.unflushed.length + 1)
    for (const batch of this.unflushed.slice(0, survive)) this.apply(batch)
    const torn = this.unflushed[survive]
    this.unflushed = []
    for (const { address, state } of torn ?? []) {
      if (state === undefined || !this.chance.happens(this.faults.recordTorn)) continue
      const record = StateRecord.seal(address, state)
      this.flushed.set(address, record.slice(0, Math.floor(record.length / 2)))
      this.damaged.add(address)
    }
  }

  /** The storage of a node that begins now. */
  storage(): ActorStorage["Service"] {
    const seen = new Set<string>()
    return ActorStorage.of({
      load: (address) =>
        Effect.flatMap(this.delay(), () => {
          const aside = this.aside.get(address)
          if (aside !== undefined) return Effect.fail(new RecordQuarantined({ address, reason: aside.reason }))
          if (!seen.has(address) && this.flushed.has(address) && this.chance.happens(this.faults.recordCorrupt)) {
            this.corrupt(address)
          }
          seen.add(address)
          const record = this.visible().get(address)
          if (record === undefined) return Effect.succeed(undefined)
          const state = StateRecord.open(address, record)
          if (Result.isSuccess(state)) return Effect.succeed(state.success.slice())
          return Effect.andThen(
            this.setAside(address, state.failure),
            Effect.fail(new RecordQuarantined({ address, reason: state.failure }))
          )
        }),
      commit: (batch) =>
        Effect.flatMap(this.delay(), () => {
          if (this.isFull) return Effect.fail(new StorageFailed({ reason: "no space left on the device (simulated)" }))
          if (this.chance.happens(this.faults.commitFails)) {
            return Effect.fail(new StorageFailed({ reason: "an error of the device (simulated)" }))
          }
          const writes = batch.map(({ address, state }) => ({ address, state: state?.slice() }))
          this.unflushed.push(writes)
          return Effect.succeed(Effect.flatMap(this.delay(), () => Effect.sync(() => this.flush(writes))))
        }),
      list: (prefix, limit, from = "") =>
        Effect.sync(() =>
          [...this.visible().keys()]
            .filter((address) => address.startsWith(prefix) && address >= from)
            .sort()
            .slice(0, limit)
        ),
      quarantine: (address, reason) => this.setAside(address, reason),
      release: (address) => Effect.sync(() => this.aside.delete(address)),
      quarantined: Effect.sync(() => [...this.aside.values()]),
      openReport: { cleanStop: true, losses: [] }
    })
  }

  private delay(): Effect.Effect<void> {
    return Effect.suspend(() => Effect.sleep(this.chance.below(this.faults.delayMsMax + 1)))
  }

  /** A flush takes all that was committed before along. */
  private flush(writes: Array<Write>): void {
    const at = this.unflushed.indexOf(writes)
    if (at < 0) return
    for (const batch of this.unflushed.splice(0, at + 1)) this.apply(batch)
  }

  private apply(batch: ReadonlyArray<Write>): void {
    for (const { address, state } of batch) {
      if (state === undefined) this.flushed.delete(address)
      else this.flushed.set(address, StateRecord.seal(address, state))
    }
  }

  private visible(): Map<string, Uint8Array> {
    const records = new Map(this.flushed)
    for (const { address, state } of this.unflushed.flat()) {
      if (state === undefined) records.delete(address)
      else records.set(address, StateRecord.seal(address, state))
    }
    return records
  }

  private corrupt(address: string): void {
    const record = this.flushed.get(address)!.slice()
    const at = this.chance.below(record.length)
    record[at] = record[at]! ^ (1 << this.chance.below(8))
    this.flushed.set(address, record)
    this.damaged.add(address)
  }

  private setAside(address: string, reason: string): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (timeMs) => {
      this.flushed.delete(address)
      // In place: a flush that is under way knows its batch by identity.
      for (const batch of this.unflushed) {
        batch.splice(0, batch.length, ...batch.filter((write) => write.address !== address))
      }
      this.aside.set(address, { address, reason, time: new Date(timeMs).toISOString() })
    })
  }
}
