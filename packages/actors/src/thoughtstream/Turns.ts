/**
 * The memory of the ThoughtStream: biddings, tickets and processes, and what each event does to them. Nothing in here waits, so a
 * restart of the service that keeps its time loses nothing. Internal: users see `ThoughtStream`.
 */
import * as Limits from "../Limits.ts"
import { Admission, makeTicket } from "./Admission.ts"
import { effectivePriority } from "./Ageing.ts"
import * as AiProcess from "./AiProcess.ts"
import { type Bid, Bidding } from "./Bidding.ts"
import { Budget, type Limits as BudgetLimits, type Need } from "./Budget.ts"
import { type Known, Processes } from "./Processes.ts"
import * as Score from "./Score.ts"
import type { Request, RequestError } from "./ThoughtStream.ts"
import { type Decision, type Span, Trace } from "./Trace.ts"
import { BidTwice, TooManyBids } from "./TurnError.ts"
import * as TurnState from "./TurnState.ts"

export interface Settings {
  readonly mode: Score.Mode
  readonly bidWindowMs: number
  readonly turnMsMax: number
  /** Turns that one process may have at once. */
  readonly turnsPerProcess: number
  readonly budget: BudgetLimits
}

export class Turns {
  readonly trace: Trace
  readonly turnMsMax: number
  /** Called when something changed that time may have to do with. */
  onChanged: () => void
  private readonly settings: Settings
  private readonly nowMs: () => number
  private readonly budget: Budget
  private readonly admission: Admission
  private readonly biddings: Map<string, Bidding>
  private readonly needs: WeakMap<Bid, Need>
  private readonly held: Map<string, TurnState.Held>
  private readonly answered: Set<string>
  private readonly processes: Processes

  constructor(settings: Settings, nowMs: () => number) {
    this.settings = settings
    this.turnMsMax = settings.turnMsMax
    this.nowMs = nowMs
    this.trace = new Trace()
    this.onChanged = () => {}
    this.budget = new Budget(settings.budget, nowMs())
    this.admission = new Admission(this.budget, nowMs)
    this.biddings = new Map()
    this.needs = new WeakMap()
    this.held = new Map()
    this.answered = new Set()
    this.processes = new Processes()
  }

  // ---------------------------------------------------------------- bids

  /** Adds a bid, or says why not. `settle` is called once, maybe before this returns. */
  bid(request: Request & { readonly need: Need }, settle: (isGranted: boolean) => void): RequestError | undefined {
    const { invited, need, turnId } = request
    const { personaId } = request.process
    if (this.answered.has(turnId)) {
      settle(false)
      return undefined
    }
    const refusal = this.budget.refusal(personaId, need)
    if (refusal !== undefined) return refusal
    let bidding = this.biddings.get(turnId)
    if (bidding === undefined) {
      if (this.biddings.size >= Limits.openTurnsMax) return new TooManyBids({ turnId, limit: Limits.openTurnsMax })
      bidding = new Bidding(turnId, this.nowMs() + this.settings.bidWindowMs, invited, request.named)
    }
    if (bidding.bids.has(personaId) || this.held.get(turnId)?.bid.personaId === personaId) {
      return new BidTwice({ personaId, turnId })
    }
    if (bidding.bids.size >= Limits.bidsMax || (invited?.length ?? 0) > Limits.bidsMax) {
      return new TooManyBids({ turnId, limit: Limits.bidsMax })
    }
    this.biddings.set(turnId, bidding)
    const bid = this.scored(this.processes.meet(request.process, request.name, this.nowMs()), settle)
    this.needs.set(bid, need)
    bidding.add(bid)
    this.decide(bidding)
    this.onChanged()
    return undefined
  }

  decline(turnId: string, personaId: string): void {
    const bidding = this.biddings.get(turnId)
    if (bidding === undefined || bidding.bids.has(personaId)) return
    bidding.remove(personaId)
    this.decide(bidding)
  }

  /** The bidder gave up waiting. */
  withdraw(turnId: string, personaId: string): void {
    if (this.held.get(turnId)?.bid.personaId === personaId) return this.release(turnId, personaId, false)
    const bidding = this.biddings.get(turnId)
    if (bidding === undefined || !bidding.bids.has(personaId)) return
    bidding.remove(personaId)
    this.processes.forget(this.processes.of(personaId))
    if (!this.closeIfEmpty(bidding)) this.decide(bidding)
  }

  private scored({ ai, readySinceMs: since }: Known, settle: (isGranted: boolean) => void): Bid {
    // One that has many turns at once wants each of them since it bid for it.
    const readySinceMs = this.settings.turnsPerProcess > 1 ? this.nowMs() : since
    const priority = effectivePriority(ai.priority, this.nowMs() - readySinceMs)
    return {
      personaId: ai.personaId,
      score: Score.of(this.settings.mode, ai, priority),
      effectivePriority: priority,
      readySinceMs,
      settle
    }
  }

  // ---------------------------------------------------------------- decisions

  /** Gives the turn to the best bid, when it can be decided. */
  private decide(bidding: Bidding, died = false): void {
    if (bidding.phase === "decided" && !died) return
    const closedBy = died ? "the one before died" : bidding.closedBy(this.nowMs())
    if (closedBy === undefined) return
    const ranking = bidding.ranking()
    const best = ranking.find(({ personaId }) => this.mayHold(personaId))
    if (best === undefined) {
      // All that bid have a turn somewhere else; one of them will end it.
      if (ranking.length > 0 || !this.closeIfEmpty(bidding)) bidding.phase = "open"
      return
    }
    bidding.phase = "decided"
    this.note(bidding, closedBy, [best, ...ranking.filter((bid) => bid !== best)])
    this.grant(bidding, best)
  }

  private mayHold(personaId: string): boolean {
    return this.processes.of(personaId).held < this.settings.turnsPerProcess
  }

  private grant(bidding: Bidding, bid: Bid): void {
    bidding.bids.delete(bid.personaId)
    const known = this.processes.of(bid.personaId)
    known.held++
    const held: TurnState.Held = {
      bidding,
      bid,
      ticket: makeTicket({
        personaId: bid.personaId,
        priority: known.ai.priority,
        need: this.needs.get(bid)!,
        readySinceMs: this.settings.turnsPerProcess > 1 ? bid.readySinceMs : known.readySinceMs,
        admitted: () => this.admitted(held)
      }),
      grantedAtMs: undefined,
      stretchFromMs: 0,
      waitedMs: 0,
      runMs: 0,
      resume: undefined
    }
    this.held.set(bidding.turnId, held)
    this.admission.enter(held.ticket)
  }

  private admitted(held: TurnState.Held): void {
    const now = this.nowMs()
    held.stretchFromMs = now
    held.waitedMs = now - held.ticket.readySinceMs
    this.processes.slotTaken(this.processes.of(held.bid.personaId))
    if (held.grantedAtMs === undefined) {
      held.grantedAtMs = now
      held.bid.settle(true)
    } else held.resume?.()
    this.onChanged()
  }

  // ---------------------------------------------------------------- turns

  /** The turn is over. In order: it was answered, and everybody else hears so. Otherwise the next best bid is served. */
  release(turnId: string, personaId: string, inOrder: boolean): void {
    this.end(turnId, personaId, inOrder ? "done" : "died")
  }

  private end(turnId: string, personaId: string, how: Span["end"]): void {
    const held = this.held.get(turnId)
    if (held === undefined || held.bid.personaId !== personaId) return
    this.held.delete(turnId)
    const { bidding, ticket } = held
    const known = this.processes.of(personaId)
    known.held--
    if (ticket.phase === "running") {
      this.stretch(held, how)
      known.running--
    }
    if (held.grantedAtMs !== undefined && how === "done") {
      known.ai = AiProcess.measured(known.ai, held.runMs, ticket.tokensUsed)
    }
    this.processes.forget(known)
    known.readySinceMs = this.nowMs()
    this.admission.leave(ticket)
    if (how === "done") this.answer(bidding)
    else if (!this.closeIfEmpty(bidding)) this.decide(bidding, true)
    // Where this persona was not served because it was busy, it may be now.
    for (const other of this.biddings.values()) {
      if (other.phase === "open" && other.bids.has(personaId)) this.decide(other)
    }
    this.onChanged()
  }

  private answer(bidding: Bidding): void {
    bidding.phase = "answered"
    this.biddings.delete(bidding.turnId)
    this.noteAnswered(bidding.turnId)
    for (const { personaId, settle } of bidding.bids.values()) {
      this.processes.forget(this.processes.of(personaId))
      settle(false)
    }
    bidding.bids.clear()
  }

  private closeIfEmpty(bidding: Bidding): boolean {
    if (bidding.bids.size > 0 || this.held.has(bidding.turnId)) return false
    if (bidding.phase === "open" && bidding.closedBy(this.nowMs()) === undefined) return false
    // Nobody answered: whoever bids late may still do so.
    this.biddings.delete(bidding.turnId)
    return true
  }

  private noteAnswered(turnId: string): void {
    this.answered.add(turnId)
    if (this.answered.size <= Limits.answeredTurnsKept) return
    for (const oldest of this.answered) {
      this.answered.delete(oldest)
      return
    }
  }

  /** Counts tokens. False when the persona does not hold the turn. */
  spend(turnId: string, personaId: string, count: number): boolean {
    const held = this.held.get(turnId)
    if (held?.bid.personaId !== personaId) return false
    held.ticket.tokensUsed += count
    this.admission.admit()
    return true
  }

  shouldSuspend(turnId: string, personaId: string): boolean {
    const held = this.held.get(turnId)
    return held?.bid.personaId === personaId && held.ticket.shouldSuspend
  }

  /** Gives the slot to the better one; `resume` is called when it is back, or when the turn is lost meanwhile. */
  suspend(turnId: string, personaId: string, resume: () => void): void {
    const held = this.held.get(turnId)
    if (held?.bid.personaId !== personaId) return resume()
    held.resume = resume
    this.stretch(held, "suspended")
    this.processes.slotGiven(this.processes.of(personaId))
    this.admission.suspend(held.ticket)
    this.onChanged()
  }

  private stretch(held: TurnState.Held, end: Span["end"]): void {
    const toMs = this.nowMs()
    const { bid, bidding, stretchFromMs } = held
    held.runMs += toMs - stretchFromMs
    this.trace.add({
      _tag: "Span",
      personaId: bid.personaId,
      name: this.processes.of(bid.personaId).name,
      turnId: bidding.turnId,
      waitedMs: held.waitedMs,
      fromMs: stretchFromMs,
      toMs,
      end
    })
  }

  // ---------------------------------------------------------------- time

  /** Ends windows and turns whose time is over. */
  timePassed(): void {
    const now = this.nowMs()
    for (const bidding of this.biddings.values()) {
      if (bidding.phase === "open" && !this.closeIfEmpty(bidding)) this.decide(bidding)
    }
    for (const held of this.held.values()) {
      if (held.grantedAtMs === undefined || now - held.grantedAtMs < this.turnMsMax) continue
      this.end(held.bidding.turnId, held.bid.personaId, "expired")
      held.resume?.()
    }
    this.admission.admit()
  }

  /** Milliseconds until `timePassed` may have something to do. */
  nextMs(): number {
    const now = this.nowMs()
    let next = this.admission.nextMs()
    for (const { closesAtMs, phase } of this.biddings.values()) {
      // One whose window is over waits for a persona that is busy, and not for time.
      if (phase === "open" && closesAtMs > now) next = Math.min(next, closesAtMs - now)
    }
    for (const { grantedAtMs } of this.held.values()) {
      if (grantedAtMs !== undefined) next = Math.min(next, grantedAtMs + this.turnMsMax - now)
    }
    return next
  }

  // ---------------------------------------------------------------- processes

  process(personaId: string): AiProcess.AiProcess | undefined {
    return this.processes.get(personaId)?.ai
  }

  setBlocked(personaId: string, isBlocked: boolean): void {
    this.processes.setBlocked(personaId, isBlocked)
  }

  /** Turns that somebody wants or has. */
  get queue(): ReadonlyArray<TurnState.TurnState> {
    return TurnState.queueOf(this.held.values(), this.biddings.values(), this.processes, this.nowMs())
  }

  private note(bidding: Bidding, why: Decision["why"], bids: ReadonlyArray<Bid>): void {
    this.trace.add({
      _tag: "Decision",
      timeMs: this.nowMs(),
      turnId: bidding.turnId,
      why,
      bids: bids.map(({ effectivePriority, personaId, score }) => ({
        effectivePriority,
        personaId,
        name: this.processes.of(personaId).name,
        score
      }))
    })
  }
}
