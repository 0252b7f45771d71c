/**
 * Who may use a slot: the tickets of turns that were won, by effective priority. The best one waiting is always next, so one that needs
 * much is not passed by for ever; only those that hold memory already go before it, to free that. A better one that finds no slot asks the worst that runs for its own; that gives it up at
 * its next token, keeps its memory, and waits like the others.
 */
import { effectivePriority } from "./Ageing.ts"
import type { Budget, Need } from "./Budget.ts"

/** A turn that was won. */
export interface Ticket {
  readonly personaId: string
  readonly priority: number
  readonly need: Need
  /** Called when it has its slot, at first and again after each suspension. */
  readonly admitted: () => void
  phase: "waiting" | "running" | "left"
  readySinceMs: number
  /** Whether it has its memory and tokens, which it keeps while suspended. */
  isSupplied: boolean
  /** Whether a better one waits for its slot. */
  shouldSuspend: boolean
  tokensUsed: number
}

export const makeTicket = (
  ticket: Pick<Ticket, "personaId" | "priority" | "need" | "admitted" | "readySinceMs">
): Ticket => ({ ...ticket, phase: "waiting", isSupplied: false, shouldSuspend: false, tokensUsed: 0 })

export class Admission {
  private readonly budget: Budget
  private readonly nowMs: () => number
  private readonly waiting: Set<Ticket>
  private readonly running: Set<Ticket>

  constructor(budget: Budget, nowMs: () => number) {
    this.budget = budget
    this.nowMs = nowMs
    this.waiting = new Set()
    this.running = new Set()
  }

  enter(ticket: Ticket): void {
    this.waiting.add(ticket)
    this.admit()
  }

  /** The turn is over, or nobody wants it any more. */
  leave(ticket: Ticket): void {
    if (ticket.phase === "left") return
    if (this.running.delete(ticket)) this.budget.giveSlot()
    this.waiting.delete(ticket)
    ticket.phase = "left"
    if (ticket.isSupplied) this.budget.give(ticket.need, ticket.tokensUsed, this.nowMs())
    this.admit()
  }

  /** Gives up the slot, and waits for another. Being ready begins anew. */
  suspend(ticket: Ticket): void {
    if (!this.running.delete(ticket)) return
    this.budget.giveSlot()
    ticket.phase = "waiting"
    ticket.readySinceMs = this.nowMs()
    ticket.shouldSuspend = false
    this.enter(ticket)
  }

  /** Admits as many as there is room for; call when time has passed. */
  admit(): void {
    for (let next = this.next(); next !== undefined; next = this.next()) {
      if (!this.budget.hasSlot) return this.askForSlot(next)
      this.budget.takeSlot()
      this.waiting.delete(next)
      this.running.add(next)
      next.phase = "running"
      next.shouldSuspend = false
      next.admitted()
    }
  }

  /** The best one that waits, once it has its memory and tokens; until then the best of those that have theirs, to free them. */
  private next(): Ticket | undefined {
    const best = this.best(() => true)
    if (best === undefined || best.isSupplied) return best
    if (!this.budget.take(best.need, this.nowMs())) return this.best(({ isSupplied }) => isSupplied)
    best.isSupplied = true
    return best
  }

  /** Milliseconds until time alone may change something; infinite when it will not. */
  nextMs(): number {
    const best = this.best(() => true)
    if (best === undefined) return Number.POSITIVE_INFINITY
    // A second makes whoever waits one better than before.
    if (!this.budget.hasSlot) return 1_000
    return Math.max(1, this.budget.tokensInMs(best.need.tokens, this.nowMs()))
  }

  private best(isMeant: (ticket: Ticket) => boolean): Ticket | undefined {
    let best: Ticket | undefined
    for (const ticket of this.waiting) {
      if (isMeant(ticket) && (best === undefined || this.isBetter(ticket, best))) best = ticket
    }
    return best
  }

  private isBetter(a: Ticket, b: Ticket): boolean {
    const [first, second] = [this.priorityOf(a), this.priorityOf(b)]
    if (first !== second) return first > second
    return a.readySinceMs < b.readySinceMs
  }

  private priorityOf({ priority, readySinceMs }: Ticket): number {
    return effectivePriority(priority, this.nowMs() - readySinceMs)
  }

  /** The worst that runs, if it is worse by a whole step than the one that waits. */
  private askForSlot(waiting: Ticket): void {
    let worst: Ticket | undefined
    for (const ticket of this.running) {
      if (ticket.shouldSuspend) return
      if (worst === undefined || ticket.priority < worst.priority) worst = ticket
    }
    if (worst !== undefined && worst.priority + 1 <= this.priorityOf(waiting)) worst.shouldSuspend = true
  }
}
