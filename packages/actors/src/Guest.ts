/**
 * An actor of another node that runs here under a lease: a type of its own, whose states are loaded from its home and stored
 * there. Its address is the one of its home.
 *
 * It acts only while the lease may be acted on. A write that the home does not confirm is sent again until the lease ends, and
 * never acknowledged otherwise.
 */
import * as Address from "@continuum/core/Address"
import type { Lease } from "@continuum/core/LeaseAuthority"
import { LeaseTerm } from "@continuum/core/LeaseTerm"
import { Effect } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import { StorageFailed } from "./ActorStorage.ts"
import { ActorType } from "./ActorType.ts"
import { GroupCommit } from "./GroupCommit.ts"
import * as GuestStorage from "./GuestStorage.ts"
import type { Kernel } from "./Kernel.ts"
import * as LeaseProtocol from "./LeaseProtocol.ts"
import * as Limits from "./Limits.ts"

/** What a home asks to take. */
export interface Request {
  readonly kind: string
  readonly name: string
  readonly epoch: number
  readonly ttlMs: number
  /** Whether its state is made of events. */
  readonly hasJournal: boolean
}

export class Guest {
  /** Realm of its home. */
  readonly home: string
  /** As the home knows it. */
  readonly lease: Lease
  readonly name: string
  readonly term: LeaseTerm
  readonly type: ActorType
  readonly commits: GroupCommit
  cell: ActorCell | undefined
  /** Deliveries that are not answered yet. */
  delivering: number
  private readonly kernel: Kernel
  private readonly own: { readonly kind: string; readonly name: string; readonly epoch: number }
  private readonly lost: () => void
  private waiting: Array<() => void>
  private sequence: number

  /** `lost` is called when the home says that the lease is another's. */
  constructor(kernel: Kernel, own: ActorType, home: string, request: Request, holder: string, lost: () => void) {
    const { epoch, kind, name, ttlMs } = request
    this.kernel = kernel
    this.home = home
    this.name = name
    this.own = { kind, name, epoch }
    this.lease = { address: Address.format({ realm: Address.localRealm, kind, name }), holder, epoch, ttlMs }
    this.term = new LeaseTerm(kernel.clock, ttlMs)
    this.lost = lost
    this.sequence = 0
    this.cell = undefined
    this.delivering = 0
    this.waiting = []
    const storage = GuestStorage.make(Address.format({ realm: home, kind, name }), this.records())
    this.commits = new GroupCommit({
      storage,
      fork: (effect) => kernel.forkBackground(effect),
      afterTurns: (task) => kernel.runQueue.afterTurns(task)
    })
    this.type = new ActorType(kernel, own.definition, { realm: home, storage, commits: this.commits })
  }

  get address(): string {
    return this.type.address(this.name)
  }

  /** A delivery has its answer. */
  delivered(): void {
    if (--this.delivering === 0) for (const resume of this.waiting.splice(0)) resume()
  }

  /** Waits until all deliveries have theirs. */
  get answered(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (this.delivering === 0) resume(Effect.void)
      else this.waiting.push(() => resume(Effect.void))
    })
  }

  private records(): GuestStorage.Home {
    const { own } = this
    return {
      load: Effect.suspend(() =>
        Effect.flatMap(this.ask({ _tag: "Load", ...own }), (reply) =>
          reply._tag === "Loaded" ? Effect.succeed(reply.state ?? undefined) : this.refused(reply)
        )
      ),
      loadEvents: (from) =>
        Effect.flatMap(this.ask({ _tag: "LoadEvents", ...own, from }), (reply) =>
          reply._tag === "LoadedEvents" ? Effect.succeed(reply) : this.refused(reply)
        ),
      commit: (records) =>
        Effect.suspend(() =>
          Effect.flatMap(this.ask({ _tag: "Commit", ...own, sequence: ++this.sequence, records }), (reply) =>
            reply._tag === "Committed" ? Effect.void : this.refused(reply)
          )
        )
    }
  }

  /** Asks the home until it answers or the lease ends. */
  private ask(request: LeaseProtocol.HomeRequest): Effect.Effect<LeaseProtocol.HomeReply, StorageFailed> {
    return Effect.gen({ self: this }, function* () {
      let reason = "its lease has ended"
      for (;;) {
        const { remainingMs } = this.term
        if (remainingMs <= 0) return yield* new StorageFailed({ reason })
        const deadlineMs = Math.min(remainingMs, Limits.migrationStepMs)
        const asked = yield* Effect.result(
          LeaseProtocol.askHome(this.kernel.router, this.home, request, { deadlineMs })
        )
        if (asked._tag === "Success") return asked.success
        reason = `its home did not confirm it: ${asked.failure.reason}`
        if (asked.failure.isFinal) return yield* new StorageFailed({ reason })
        yield* Effect.sleep(Limits.homeRetryMs)
      }
    })
  }

  private refused(reply: LeaseProtocol.HomeReply): Effect.Effect<never, StorageFailed> {
    if (reply._tag === "Fenced") this.lost()
    const reason =
      reply._tag === "Failed" ? reply.reason : "its home has given the lease to another, or taken the actor back"
    return Effect.fail(new StorageFailed({ reason }))
  }
}
