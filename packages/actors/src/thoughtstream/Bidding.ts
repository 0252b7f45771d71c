/**
 * The bids for one turn in a conversation. They are collected until all invited have answered or the window ends; then the best one has
 * the turn, and the others wait until it is over: if the one that has it dies, the next best is served. A persona that was called by
 * its name does not wait for the others.
 */
import * as Score from "./Score.ts"

/** `answered`: somebody ended its turn in order. `open`: bids are collected. */
export type Phase = "open" | "decided" | "answered"

export interface Bid extends Score.Scored {
  /** Whether it has the turn, and when its turn is over, that it did not. */
  readonly settle: (isGranted: boolean) => void
}

export class Bidding {
  readonly turnId: string
  readonly closesAtMs: number
  readonly named: string | undefined
  phase: Phase
  readonly bids: Map<string, Bid>
  private readonly awaited: Set<string>
  private readonly isOpenToAll: boolean

  constructor(
    turnId: string,
    closesAtMs: number,
    invited: ReadonlyArray<string> | undefined,
    named: string | undefined
  ) {
    this.turnId = turnId
    this.closesAtMs = closesAtMs
    this.named = named
    this.phase = "open"
    this.bids = new Map()
    this.awaited = new Set(invited)
    this.isOpenToAll = invited === undefined
  }

  add(bid: Bid): void {
    this.bids.set(bid.personaId, bid)
    this.awaited.delete(bid.personaId)
  }

  /** The persona does not want the turn, or not any more. */
  remove(personaId: string): void {
    this.bids.delete(personaId)
    this.awaited.delete(personaId)
  }

  /** Why it can be decided now; undefined while it cannot. */
  closedBy(nowMs: number): "named" | "all answered" | "window" | undefined {
    if (this.named !== undefined && this.bids.has(this.named)) return "named"
    if (!this.isOpenToAll && this.awaited.size === 0) return "all answered"
    return nowMs >= this.closesAtMs ? "window" : undefined
  }

  /** All bids, best first; the persona that was called by its name before all others. */
  ranking(): ReadonlyArray<Bid> {
    const { named } = this
    return [...this.bids.values()].sort(
      (a, b) => Number(b.personaId === named) - Number(a.personaId === named) || Score.compare(a, b)
    )
  }
}
