/**
 * Stores records that belong to no actor's transaction: what comes while one transaction is on its way goes together into the next.
 * They are stored in the order in which they came, and whoever waits for them hears in that order.
 */
import { Effect, Exit } from "effect"
import { type ActorStorage, StorageFailed, type Write } from "./ActorStorage.ts"

/** What the writer needs of the system. */
export interface Host {
  readonly storage: ActorStorage["Service"] | undefined
  readonly fork: (effect: Effect.Effect<void>) => void
}

interface Waiting {
  readonly writes: ReadonlyArray<Write>
  readonly done: (error: StorageFailed | undefined) => void
}

export class RecordWriter {
  private readonly host: Host
  private waiting: Array<Waiting>
  private isWriting: boolean
  private idle: Array<() => void>

  constructor(host: Host) {
    this.host = host
    this.waiting = []
    this.isWriting = false
    this.idle = []
  }

  /** Stores records, all or none; then calls `done`: they are safe from a power cut, or why none is stored. */
  add(writes: ReadonlyArray<Write>, done: (error: StorageFailed | undefined) => void): void {
    this.waiting.push({ writes, done })
    if (!this.isWriting) this.write()
  }

  /** The same as an Effect. */
  store(writes: ReadonlyArray<Write>): Effect.Effect<void, StorageFailed> {
    return Effect.callback((resume) =>
      this.add(writes, (error) => resume(error === undefined ? Effect.void : Effect.fail(error)))
    )
  }

  /** Waits until all that came so far is stored or refused. */
  readonly settled: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (!this.isWriting) resume(Effect.void)
    else this.idle.push(() => resume(Effect.void))
  })

  private write(): void {
    const batch = this.waiting
    if (batch.length === 0) {
      this.isWriting = false
      for (const task of this.idle.splice(0)) task()
      return
    }
    this.waiting = []
    this.isWriting = true
    const commit = Effect.flatten(this.host.storage!.commit(batch.flatMap(({ writes }) => writes)))
    this.host.fork(
      Effect.map(Effect.exit(commit), (exit) => {
        const error = Exit.isSuccess(exit) ? undefined : failureOf(exit)
        for (const { done } of batch) done(error)
        this.write()
      })
    )
  }
}

const failureOf = (exit: Exit.Failure<void, StorageFailed>): StorageFailed => {
  const [first] = exit.cause.reasons
  return first?._tag === "Fail" ? first.error : new StorageFailed({ reason: "the system stopped before it was stored" })
}
