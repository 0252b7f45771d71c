/**
 * An actor type as one system knows it: its definition, the services of its handlers, its active actors, and how its
 * states become bytes.
 */
import * as Address from "@continuum/core/Address"
import * as Codec from "@continuum/core/Codec"
import { Context, Effect, Result, Schema } from "effect"
import type * as Actor from "./Actor.ts"
import { ActorCell } from "./ActorCell.ts"
import { ActorStopped, type AddressUnknown } from "./ActorError.ts"
import * as ActorLife from "./ActorLife.ts"
import type { RefClasses } from "./ActorRef.ts"
import type { ActorStorage } from "./ActorStorage.ts"
import { AskDeadlines } from "./AskDeadlines.ts"
import { deepFreeze } from "./Freeze.ts"
import type { GroupCommit } from "./GroupCommit.ts"
import type { Kernel } from "./Kernel.ts"
import * as Limits from "./Limits.ts"
import { addressText } from "./Message.ts"
import * as PlainData from "./PlainData.ts"

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
  readonly cells: Map<string, ActorCell>
  readonly durable: boolean
  /** 0 to 255, higher first. */
  readonly priority: number
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
    this.context = definition.context === undefined ? kernel.context : Context.merge(kernel.context, definition.context)
    this.cells = new Map()
    this.durable = definition.durable ?? this.storage !== undefined
    this.priority = definition.priority
    this.deadlines = kernel.deadlinesOf(definition.askTimeoutMs)
    this.passivateAfterMs =
      home !== undefined
        ? Number.POSITIVE_INFINITY
        : (definition.passivateAfterMs ?? (this.durable ? Limits.passivateAfterMs : Number.POSITIVE_INFINITY))
    this.refClasses = undefined
    deepFreeze(definition.initial)
    if (this.durable && this.storage === undefined) {
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
    if (kernel.stopping || !kernel.passivation.hasRoom(kernel.activeActors)) return undefined
    const cell = new ActorCell(this, name)
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
    const cell = new ActorCell(this, name)
    cell.phase = "stopped"
    cell.stopReason = reason
    this.cells.set(name, cell)
    this.kernel.activeActors++
    return cell
  }

  /** Why no actor of this name can be activated. */
  whyNot(name: string): ActorStopped {
    const reason = this.kernel.stopping
      ? "the system stops"
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
    const load = this.durable ? this.load(cell.address) : Effect.succeed(initial)
    if (accepts === undefined) return load
    const exists = Effect.suspend(() => {
      const answer = accepts(cell.name)
      return typeof answer === "boolean" ? Effect.succeed(answer) : answer
    })
    return Effect.flatMap(exists, (exists): Effect.Effect<unknown, ActorStopped | AddressUnknown> =>
      exists ? load : Effect.fail(this.kernel.unknown(cell.address))
    )
  }

  private load(address: string): Effect.Effect<unknown, ActorStopped> {
    const stopped = (reason: string) => Effect.fail(new ActorStopped({ address, reason }))
    return Effect.matchEffect(this.storage!.load(address), {
      // What is damaged stays so; but a storage that fails may recover, so that is a crash, and the supervisor tries again.
      onFailure: (error) => (error._tag === "RecordQuarantined" ? stopped(error.message) : Effect.die(error)),
      onSuccess: (bytes) => {
        if (bytes === undefined) return Effect.succeed(this.definition.initial)
        return Effect.catch(this.decodeState(bytes), (reason) =>
          Effect.andThen(
            Effect.ignore(this.storage!.quarantine(address, reason)),
            stopped(`its stored state does not fit and was set aside: ${reason}`)
          )
        )
      }
    })
  }

  private decodeState(bytes: Uint8Array): Effect.Effect<unknown, string> {
    const { schema } = this.definition
    const plain = Effect.mapError(Codec.decode(bytes), (error) => error.reason)
    const state =
      schema === undefined
        ? plain
        : Effect.flatMap(plain, (value) =>
            Effect.mapError(
              Schema.decodeUnknownEffect(schema)(value) as Effect.Effect<unknown, Schema.SchemaError>,
              (error) => error.message
            )
          )
    return Effect.map(state, deepFreeze)
  }

  /** The bytes of a state, or why it has none. They share a block of memory with others: not to be kept for long. */
  encodeState(state: unknown): Result.Result<Uint8Array, string> {
    const { schema } = this.definition
    try {
      const plain =
        schema === undefined ? state : Schema.encodeUnknownSync(schema as Schema.Codec<unknown, unknown>)(state)
      const problem = PlainData.isPlain(plain) ? undefined : PlainData.problemOf(plain, "state")
      if (problem !== undefined) {
        return Result.fail(`${problem}; only plain data can be stored (give the state a schema, or set durable: false)`)
      }
      const bytes = Codec.encodeInBlock(plain)
      return bytes.length <= Limits.stateBytesMax
        ? Result.succeed(bytes)
        : Result.fail(`the state has ${bytes.length} bytes, more than the limit of ${Limits.stateBytesMax}`)
    } catch (cause) {
      return Result.fail(cause instanceof Error ? cause.message : String(cause))
    }
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
    const stored = Effect.flatMap(this.storage!.load(this.address(name)), (bytes) =>
      bytes === undefined ? Effect.succeed(this.definition.initial) : this.decodeState(bytes)
    )
    return Effect.match(stored, {
      onFailure: (error) => `(${typeof error === "string" ? error : error.message})`,
      onSuccess: (state) => PlainData.excerpt(state, Limits.inspectStateBytesMax)
    })
  }
}

// Names that need no closer look: most of them, and a ref is made for every one.
const plainName = /^[A-Za-z0-9._~-]{1,255}$/
