/**
 * Turns that somebody wants or has: what is remembered of one that was won, and all of them as they are at this moment, for whoever looks.
 */
import type { Ticket } from "./Admission.ts"
import { effectivePriority } from "./Ageing.ts"
import type { Bid, Bidding } from "./Bidding.ts"
import type { Processes } from "./Processes.ts"

/** A turn that was won: its ticket, and when its present stretch began. Internal to Turns. */
export interface Held {
  readonly bidding: Bidding
  readonly bid: Bid
  readonly ticket: Ticket
  /** When it was granted; undefined before. */
  grantedAtMs: number | undefined
  stretchFromMs: number
  /** How long it was ready before that. */
  waitedMs: number
  runMs: number
  resume: (() => void) | undefined
}

/** A turn that somebody wants or has, as it is now. */
export interface TurnState {
  readonly turnId: string
  readonly personaId: string
  readonly name: string
  /** `bids`: nothing is decided, or another one has it. `waits`: won, and without a slot. `suspended`: made way for a better one. */
  readonly phase: "bids" | "waits" | "runs" | "suspended"
  /** With what was added for waiting. */
  readonly effectivePriority: number
  /** Milliseconds in this phase. */
  readonly ms: number
  readonly tokens: number
}

/** Those that run, then those that wait for a slot, then bids; each best first. O(n log n). */
export const queueOf = (
  held: Iterable<Held>,
  biddings: Iterable<Bidding>,
  processes: Processes,
  nowMs: number
): ReadonlyArray<TurnState> => {
  const states: Array<TurnState> = []
  for (const { bid, bidding, grantedAtMs, stretchFromMs, ticket } of held) {
    const runs = ticket.phase === "running"
    const ms = nowMs - (runs ? stretchFromMs : ticket.readySinceMs)
    states.push({
      turnId: bidding.turnId,
      personaId: bid.personaId,
      name: processes.of(bid.personaId).name,
      phase: runs ? "runs" : grantedAtMs === undefined ? "waits" : "suspended",
      effectivePriority: runs ? ticket.priority : effectivePriority(ticket.priority, ms),
      ms,
      tokens: ticket.tokensUsed
    })
  }
  for (const { bids, turnId } of biddings) {
    for (const { personaId, readySinceMs } of bids.values()) {
      const { ai, name } = processes.of(personaId)
      const ms = nowMs - readySinceMs
      const priority = effectivePriority(ai.priority, ms)
      states.push({ turnId, personaId, name, phase: "bids", effectivePriority: priority, ms, tokens: 0 })
    }
  }
  return states.sort(
    (a, b) => rank[a.phase] - rank[b.phase] || b.effectivePriority - a.effectivePriority || b.ms - a.ms
  )
}

const rank: Record<TurnState["phase"], number> = { runs: 0, waits: 1, suspended: 1, bids: 2 }
