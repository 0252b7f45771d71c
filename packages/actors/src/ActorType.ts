/**
 * An actor type as one system knows it: its definition, the services of its handlers, its active actors, and how its
 * states become bytes.
 */
import * as Address from "@continuum/core/Address"
import { Context, Effect } from "effect"
import type * as Actor from "./Actor.ts"
import { ActorCell } from "./ActorCell.ts"
import { ActorStopped, type AddressUnknown } from "./ActorError.ts"
import * as ActorLife from "./ActorLife.ts"
import { Anonymous } from "./Anonymous.ts"
import type { RefClasses } from "./ActorRef.ts"
import type { SpawnOptions } from "./ActorOptions.ts"
import type { ActorStorage, Write } from "./ActorStorage.ts"
import { AskDeadlines } from "./AskDeadlines.ts"
import { deepFreeze } from "./Freeze.ts"
import type { Durable, GroupCommit } from "./GroupCommit.ts"
import type { Journal } from "./Journal.ts"
import * as JournalRecords from "./JournalRecords.ts"
import type { Kernel } from "./Kernel.ts"
import * as Limits from "./Limits.ts"
import { addressText } from "./Message.ts"
import * as PlainData from "./PlainData.ts"
import type { Post } from "./Post.ts"
import * as Relations from "./Relations.ts"
import * as StoredValue from "./StoredValue.ts"

/** Where the states of an actor of another node are kept. */
export interface Home {
  readonly realm: string
  readonly storage: ActorStorage["Service"]
  readonly commits: GroupCommit
}

export class ActorType {
  readonly kernel: Kernel
  /** The realm in the addresses of its actors. */
  readonly realm: string
  readonly storage: ActorStorage["Service"] | undefined
  readonly commits: GroupCommit
  readonly definition: Actor.Any
  readonly context: Context.Context<never>
  /** Its actors in memory by their names. */
  readonly cells: Map<string, ActorCell>
  /** Those without a name; who was asked for its address is in `cells` too. */
  readonly anonymous: Anonymous
  readonly journal: Journal | undefined
  private readonly stateOptions: StoredValue.Options
  readonly durable: boolean
  /** Where the tells to its actors are stored; undefined for mailboxes in memory. */
  readonly post: Post | undefined
  /** 0 to 255, higher first. */
  readonly priority: number
  readonly mailboxCapacity: number
  readonly deadlines: AskDeadlines | undefined
  /** Infinite: its actors never leave memory. */
  readonly passivateAfterMs: number
  /** Classes of this type's refs, made at first use by ActorRef. */
  refClasses: RefClasses | undefined

  /** `home`: that of the one actor of this type, which is a guest here. */
  constructor(kernel: Kernel, definition: Actor.Any, home?: Home) {
    this.kernel = kernel
    this.realm = home?.realm ?? Address.localRealm
    this.storage = home?.storage ?? kernel.storage
    this.commits = home?.commits ?? kernel.commits
    this.definition = definition
    this.journal = definition.journal
    this.stateOptions = {
      what: "state",
      schema: definition.schema,
      versions: definition.versions,
      bytesMax: Limits.stateBytesMax,
      framed: definition.journal !== undefined
    }
    this.context = definition.context === undefined ? kernel.context : Context.merge(kernel.context, definition.context)
    this.cells = new Map()
    this.anonymous = new Anonymous(kernel.startedAtMs)
    this.durable = definition.durable ?? this.storage !== undefined
    this.post = definition.mailbox === "durable" && home === undefined ? kernel.post : undefined
    this.priority = definition.priority
    this.mailboxCapacity = definition.mailboxCapacity
    this.deadlines = kernel.deadlinesOf(definition.askTimeoutMs)
    this.passivateAfterMs =
      home !== undefined
        ? Number.POSITIVE_INFINITY
        : (definition.passivateAfterMs ?? (this.durable ? Limits.passivateAfterMs : Number.POSITIVE_INFINITY))
    this.refClasses = undefined
    deepFreeze(definition.initial)
    if ((this.durable || definition.mailbox === "durable") && this.storage === undefined) {
      throw new TypeError(
        `Actor "${definition.kind}" is marked durable, and this system has no storage. Start it with a directory, ` +
          "or leave durable out"
      )
    }
  }

  /** Whether its actor's home is another node. */
  get isGuest(): boolean {
    return this.realm !== Address.localRealm
  }

  /** The actor of this name, activated if need be; undefined when there can be no more (`whyNot`). */
  cell(name: string): ActorCell | undefined {
    const existing = this.cells.get(name)
    if (existing !== undefined) return existing
    const { kernel } = this
    if (kernel.stopping || Anonymous.isName(name) || !kernel.passivation.hasRoom(kernel.activeActors)) return undefined
    const cell = new ActorCell(this, name, this.definition.initial)
    this.cells.set(name, cell)
    kernel.activeActors++
    kernel.passivation.activated(this)
    ActorLife.start(cell)
    return cell
  }

  /** The actor of this name; or in its place, if it is not in memory, one that is stopped for this reason. */
  cellOrStopped(name: string, reason: string): ActorCell {
    const existing = this.cells.get(name)
    if (existing !== undefined) return existing
    const cell = new ActorCell(this, name, undefined)
    cell.phase = "stopped"
    cell.stopReason = reason
    this.cells.set(name, cell)
    this.kernel.activeActors++
    return cell
  }

  /**
   * A new actor without a name. Throws `TypeError` when its state would be stored, for nobody could find it again, and `ActorStopped`
   * when there is no room. `parent`: who supervises it, if not the system; throws as `Relations.adopt` does.
   */
  spawn(options: SpawnOptions<unknown> | undefined, parent: ActorCell | undefined): ActorCell {
    const { kernel } = this
    if (this.durable) {
      throw new TypeError(
        `A durable actor needs a name by which it is found again: give this "${this.definition.kind}" one, or define it with durable: false`
      )
    }
    if (kernel.stopping || !kernel.passivation.hasRoom(kernel.activeActors))
      throw this.whyNot(this.anonymous.nextName())
    const state = options === undefined || !("state" in options) ? this.definition.initial : options.state
    if (kernel.freeze) deepFreeze(state)
    const cell = new ActorCell(this, undefined, state)
    if (parent !== undefined) Relations.adopt(parent, cell)
    this.anonymous.add(cell)
    kernel.activeActors++
    ActorLife.start(cell)
    return cell
  }

  /** In place of an actor without a name that has ended, one that has; undefined for other names. */
  ended(name: string): ActorCell | undefined {
    if (!Anonymous.isName(name)) return undefined
    const cell = new ActorCell(this, name, undefined)
    cell.phase = "stopped"
    cell.stopReason = this.whyNot(name).reason
    cell.gone = "ended"
    return cell
  }

  /** Gives an actor without a name one, by which it is found from now on. */
  nameOf(cell: ActorCell): string {
    const name = this.anonymous.nextName()
    if (cell.gone === undefined) this.cells.set(name, cell)
    return name
  }

  /** The actor is no longer found. */
  remove(cell: ActorCell): void {
    if (cell.isAnonymous) this.anonymous.remove(cell)
    if (cell.ownName !== undefined) this.cells.delete(cell.ownName)
    this.kernel.activeActors--
  }

  /** Its actors in memory. */
  *all(): IterableIterator<ActorCell> {
    yield* this.cells.values()
    for (const cell of this.anonymous) if (cell.ownName === undefined) yield cell
  }

  /** Why no actor of this name can be activated. */
  whyNot(name: string): ActorStopped {
    const reason = this.kernel.stopping
      ? "the system stops"
      : Anonymous.isName(name) && this.kernel.passivation.hasRoom(this.kernel.activeActors)
        ? "it had no name of its own, and has ended"
        : `the system already has ${this.kernel.activeActors} active actors, and none of them may leave memory`
    return new ActorStopped({ address: this.address(name), reason })
  }

  /** Throws `AddressMalformed` for a name that cannot stand in an address. */
  checkName(name: string): void {
    if (!plainName.test(name)) Address.make(this.definition.kind, name)
  }

  address(name: string): string {
    return addressText(this.realm, this.definition.kind, name)
  }

  /** Finds the state that an actor starts with; undefined when that is simply the initial one. */
  loadInitialState(cell: ActorCell): Effect.Effect<unknown, ActorStopped | AddressUnknown> | undefined {
    const { accepts, initial } = this.definition
    if (!this.durable && accepts === undefined) return undefined
    const load = this.durable ? this.load(cell) : Effect.succeed(initial)
    if (accepts === undefined) return load
    const exists = Effect.suspend(() => {
      const answer = accepts(cell.name)
      return typeof answer === "boolean" ? Effect.succeed(answer) : answer
    })
    return Effect.flatMap(exists, (exists): Effect.Effect<unknown, ActorStopped | AddressUnknown> =>
      exists ? load : Effect.fail(this.kernel.unknown(cell.address))
    )
  }

  private load(cell: ActorCell): Effect.Effect<unknown, ActorStopped> {
    const { address } = cell
    const stopped = (reason: string) => Effect.fail(new ActorStopped({ address, reason }))
    const loaded =
      this.post === undefined ? this.loaded(address) : Effect.tap(this.loaded(address), this.post.boxes.resume(cell))
    return Effect.matchEffect(loaded, {
      onFailure: (error): Effect.Effect<never, ActorStopped> => {
        switch (error._tag) {
          // It may recover, so that is a crash, and the supervisor tries again.
          case "StorageFailed":
            return Effect.die(error)
          case "RecordQuarantined":
            return stopped(error.address === address ? error.message : JournalRecords.damagedMessage(error))
          case "ValueRefused":
            return stopped(`its stored state cannot be used here. ${error.message}`)
          case "ValueDamaged":
            return Effect.andThen(
              Effect.ignore(this.storage!.quarantine(address, error.reason)),
              stopped(`its stored state does not fit and was set aside: ${error.reason}`)
            )
        }
      },
      onSuccess: ({ position, state }) => {
        Object.assign(cell.durable!.position, position)
        return Effect.succeed(state)
      }
    })
  }

  /** The stored state, with the events since its snapshot. */
  private loaded(address: string) {
    const storage = this.storage!
    const { initial, journal } = this.definition
    return Effect.gen({ self: this }, function* () {
      const bytes = yield* storage.load(address)
      const { mark, value } = bytes === undefined ? { mark: 0, value: initial } : yield* this.decodeState(bytes)
      if (journal === undefined) {
        if (mark > 0) return yield* new StoredValue.ValueRefused({ reason: "it has a journal; define it with one" })
        return { state: value as unknown, position: { sequence: 0, snapshot: undefined } }
      }
      const { sequence, state } = yield* JournalRecords.replay(storage, journal, address, value, mark)
      return { state, position: { sequence, snapshot: mark > 0 ? mark : undefined } }
    })
  }

  private decodeState(
    bytes: Uint8Array
  ): Effect.Effect<StoredValue.Stored, StoredValue.ValueDamaged | StoredValue.ValueRefused> {
    return StoredValue.decode(this.stateOptions, bytes)
  }

  /**
   * Adds to a transaction what an actor that changed has for it: its `records`, and its state where that is due. Or says why the
   * state cannot be stored, and adds nothing.
   */
  addWrites(cell: ActorCell, durable: Durable, writes: Array<Write>): string | undefined {
    const { address, position, records } = durable
    const { journal } = this
    const isDue = journal === undefined || JournalRecords.isSnapshotDue(journal, position)
    const write = isDue ? StoredValue.encode(this.stateOptions, address, cell.state, position.sequence) : undefined
    if (typeof write === "string") return write
    if (records.length > 0) {
      for (const record of records) writes.push(record)
      durable.records = []
    }
    if (write === undefined) return undefined
    writes.push(write)
    if (journal === undefined) return undefined
    for (const removal of JournalRecords.superfluous(journal, address, position)) writes.push(removal)
    position.snapshot = position.sequence
    return undefined
  }

  /** Names of actors that have a stored state, at most `limit`; none when the storage cannot say. */
  storedNames(limit: number): Effect.Effect<ReadonlyArray<string>> {
    const prefix = this.address("")
    return Effect.matchEffect(this.storage!.list(prefix, limit), {
      onFailure: () => Effect.succeed([]),
      onSuccess: (addresses) =>
        Effect.succeed(addresses.map((address) => decodeURIComponent(address.slice(prefix.length))))
    })
  }

  /** Whether there is anything stored under this name, sound or set aside. */
  isStored(name: string): Effect.Effect<boolean> {
    if (!this.durable) return Effect.succeed(false)
    return Effect.match(this.storage!.load(this.address(name)), {
      onFailure: (error) => error._tag === "RecordQuarantined",
      onSuccess: (bytes) => bytes !== undefined
    })
  }

  /** The stored state of an actor that is not active, for a person to read. Looking changes nothing. */
  excerptOfStored(name: string): Effect.Effect<unknown> {
    return Effect.match(this.loaded(this.address(name)), {
      onFailure: (error) => `(${error.message})`,
      onSuccess: ({ state }) => PlainData.excerpt(state, Limits.inspectStateBytesMax)
    })
  }
}

// Names that need no closer look: most of them, and a ref is made for every one.
const plainName = /^[A-Za-z0-9._~-]{1,255}$/
