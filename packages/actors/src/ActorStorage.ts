/**
 * Port: the last stored state of each durable actor, as bytes under its address.
 *
 * What `load` returns is what a commit wrote, or nothing: a damaged record is set aside and reported, never served and
 * never silently replaced by an initial state. A commit is all or nothing. An implementation passes the laws in
 * `testing/ActorStorageLaws.ts`.
 */
import { Context, type Effect, Schema } from "effect"

/** The storage could not do it: disk full, database closed, map full. Nothing of the batch was stored. */
export class StorageFailed extends Schema.TaggedError<StorageFailed>()("StorageFailed", {
  reason: Schema.String
}) {
  override get message() {
    return `The storage of actors failed: ${this.reason}`
  }
}

/** Another system has this directory. */
export class StorageInUse extends Schema.TaggedError<StorageInUse>()("StorageInUse", {
  dir: Schema.String,
  pid: Schema.Int
}) {
  override get message() {
    return `The stored states in ${this.dir} are in use by process ${this.pid}. Stop it, or use another directory`
  }
}

/** The record of this actor is damaged. It was set aside; the actor stays stopped until someone restarts it. */
export class RecordQuarantined extends Schema.TaggedError<RecordQuarantined>()("RecordQuarantined", {
  address: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `its stored state is damaged and was set aside (${this.reason}); a restart begins with the initial state`
  }
}

/** A new state of an actor, or its removal; or that of any other record, whose key begins with `~` or is none of an address. */
export interface Write {
  readonly address: string
  /** Undefined: there is no such record any more. The bytes may lie in a block with others: to keep them is to copy them. */
  readonly state: Uint8Array | undefined
}

/** A record that was set aside. */
export interface Quarantined {
  readonly address: string
  readonly reason: string
  /** ISO 8601, UTC. */
  readonly time: string
}

/** What happened to the stored states when the storage was opened. */
export interface OpenReport {
  /** Whether the last process that used it closed it. */
  readonly cleanStop: boolean
  /** What was lost, in a sentence each; empty when nothing was. */
  readonly losses: ReadonlyArray<string>
}

/** A copy of all stored states, checked. */
export interface Backup {
  readonly path: string
  readonly bytes: number
}

/** Bytes of the database file. */
export interface Compaction {
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/** What can be done to a storage on a disk while actors write to it. */
export interface Maintenance {
  /**
   * Writes a copy of the state of one moment into a folder of its owner's choice, and checks it. Writers go on meanwhile. The
   * folder is for backups of this storage alone, and keeps the last `Limits.backupsKept`. When it fails nothing is left of it.
   */
  readonly backup: (folder: string) => Effect.Effect<Backup, StorageFailed>
  /**
   * Writes the database anew without what is unused in it. Commits wait until it is done; when it fails the old file stays. Takes
   * as much room as the new file needs.
   */
  readonly compact: Effect.Effect<Compaction, StorageFailed>
  /** Bytes of the database file now. */
  readonly bytes: Effect.Effect<number, StorageFailed>
}

export class ActorStorage extends Context.Service<
  ActorStorage,
  {
    /** The stored state, or undefined. Verified. */
    readonly load: (address: string) => Effect.Effect<Uint8Array | undefined, StorageFailed | RecordQuarantined>
    /**
     * Stores a batch. Done when it can be read, which survives a crash of this process; the effect that it returns is
     * done when it also survives a power cut.
     */
    readonly commit: (batch: ReadonlyArray<Write>) => Effect.Effect<Effect.Effect<void, StorageFailed>, StorageFailed>
    /** Addresses with a stored state that begin with `prefix`, in order, at most `limit`; with `from`, that one and those after it. */
    readonly list: (prefix: string, limit: number, from?: string) => Effect.Effect<ReadonlyArray<string>, StorageFailed>
    /** Sets the record of an actor aside, for a reason that only its owner can know. */
    readonly quarantine: (address: string, reason: string) => Effect.Effect<void, StorageFailed>
    /** Lets the actor begin anew. The record that was set aside stays where it is. Whether it was quarantined. */
    readonly release: (address: string) => Effect.Effect<boolean, StorageFailed>
    /** Actors whose records were set aside and that were not released since, oldest first. */
    readonly quarantined: Effect.Effect<ReadonlyArray<Quarantined>, StorageFailed>
    readonly openReport: OpenReport
    /** Absent where there is no file. */
    readonly maintenance?: Maintenance
  }
>()("@continuum/actors/ActorStorage") {}
