/**
 * Holds an actor still: it takes no more messages, while they go on to gather in its mailbox, and what it did is done and
 * stored. What becomes of it then is up to whoever holds it.
 */
import { Effect } from "effect"
import { type Entry, reply } from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import type { ActorError } from "./ActorError.ts"
import { awaitAsk } from "./ActorRef.ts"
import { Ask } from "./Ask.ts"
import * as Settled from "./Settled.ts"

interface Hold {
  readonly settle: (isStill: boolean) => void
  isStoring: boolean
}

export class Holds {
  private readonly holds: Map<ActorCell, Hold>

  constructor() {
    this.holds = new Map()
  }

  /**
   * Holds an actor that is ready. False, and it is not held, when it does not come to rest in this time or fails on the way.
   */
  hold(cell: ActorCell, timeoutMs: number): Effect.Effect<boolean> {
    return Effect.callback<boolean>((resume) => {
      cell.phase = "moving"
      const hold: Hold = {
        settle: (isStill) => {
          if (this.holds.get(cell) !== hold) return
          this.holds.delete(cell)
          resume(Effect.succeed(isStill))
        },
        isStoring: false
      }
      this.holds.set(cell, hold)
      this.woken(cell)
      return Effect.sync(() => {
        this.holds.delete(cell)
        this.letGo(cell)
      })
    }).pipe(Effect.timeoutOrElse({ duration: timeoutMs, orElse: () => Effect.succeed(false) }))
  }

  /** Whether it is still as it was held. */
  isHeld({ phase }: ActorCell): boolean {
    return phase === "moving"
  }

  /** It goes on as if nothing had been. */
  letGo(cell: ActorCell): void {
    if (cell.phase !== "moving") return
    cell.phase = "ready"
    cell.wake()
  }

  /** Something about a held actor has changed: it may be still now. */
  woken(cell: ActorCell): void {
    const hold = this.holds.get(cell)
    if (hold === undefined || hold.isStoring || cell.current !== undefined) return
    if (cell.beside !== undefined && cell.beside.size > 0) return
    hold.isStoring = Settled.whenSettled(cell, () => {
      hold.isStoring = false
      this.woken(cell)
    })
    if (!hold.isStoring) hold.settle(cell.phase === "moving")
  }

  /** A held actor failed or was stopped. */
  interrupted(cell: ActorCell): void {
    if (this.holds.size > 0) this.holds.get(cell)?.settle(false)
  }
}

/** A message that changes nothing: when it is answered, all before it are handled. */
const marker: Entry = {
  name: "lease",
  handler: (state: unknown) => reply(state, null),
  isPayload: undefined,
  schemas: undefined,
  streams: false,
  urgent: false,
  reentrant: false
}

/** Waits until an actor is ready and has handled all that waits for it now. Fails as an ask of it does. */
export const reach = (cell: ActorCell): Effect.Effect<void, ActorError> =>
  Effect.suspend(() => {
    const ask = new Ask(undefined)
    ask.cell = cell
    ask.entry = marker
    const refused = cell.offer(marker, undefined, ask)
    return refused === undefined
      ? (Effect.asVoid(awaitAsk(ask, undefined)) as Effect.Effect<void, ActorError>)
      : Effect.fail(refused)
  })
