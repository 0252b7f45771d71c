/**
 * What turns may use at once: inference slots, memory and tokens. Tokens come back with time, so many a minute; the others when the
 * turn is over. Who may take a turn next is not decided here.
 */
import { Schema } from "effect"

/** What there is. `Infinity` is allowed for each. */
export interface Limits {
  /** Turns at once. */
  readonly slots: number
  readonly memoryBytes: number
  /** Tokens in a minute; also the most that can be saved up. */
  readonly tokensPerMinute: number
}

/** What one turn needs. */
export interface Need {
  readonly memoryBytes: number
  /** Set aside for the turn when it begins; it may use more, which others then wait for. */
  readonly tokens: number
}

export const noNeed: Need = { memoryBytes: 0, tokens: 0 }

/** The turn needs more than there will ever be. */
export class BudgetTooSmall extends Schema.TaggedError<BudgetTooSmall>()("BudgetTooSmall", {
  personaId: Schema.String,
  resource: Schema.Literals(["memoryBytes", "tokens"]),
  needed: Schema.Number,
  limit: Schema.Number
}) {
  override get message() {
    return (
      `A turn of ${this.personaId} needs ${this.needed} ${this.resource}, and all there is are ${this.limit}. ` +
      "Ask for less, or raise the budget of the ThoughtStream"
    )
  }
}

export class Budget {
  readonly limits: Limits
  private slotsUsed: number
  private memoryUsed: number
  // May be below zero: tokens that were used before they were there.
  private tokens: number
  private refilledAtMs: number

  constructor(limits: Limits, nowMs: number) {
    this.limits = limits
    this.slotsUsed = 0
    this.memoryUsed = 0
    this.tokens = limits.tokensPerMinute
    this.refilledAtMs = nowMs
  }

  /** Why such a turn can never be. */
  refusal(personaId: string, need: Need): BudgetTooSmall | undefined {
    const { memoryBytes, tokensPerMinute } = this.limits
    if (need.memoryBytes > memoryBytes) {
      return new BudgetTooSmall({ personaId, resource: "memoryBytes", needed: need.memoryBytes, limit: memoryBytes })
    }
    return need.tokens > tokensPerMinute
      ? new BudgetTooSmall({ personaId, resource: "tokens", needed: need.tokens, limit: tokensPerMinute })
      : undefined
  }

  get hasSlot(): boolean {
    return this.slotsUsed < this.limits.slots
  }

  takeSlot(): void {
    this.slotsUsed++
  }

  giveSlot(): void {
    this.slotsUsed--
  }

  /** Takes what a turn needs besides its slot, if it is there. */
  take(need: Need, nowMs: number): boolean {
    this.refill(nowMs)
    if (this.memoryUsed + need.memoryBytes > this.limits.memoryBytes || need.tokens > this.tokens) return false
    this.memoryUsed += need.memoryBytes
    this.tokens -= need.tokens
    return true
  }

  /** Gives back the memory of a turn, and of its tokens those that it did not use. */
  give(need: Need, tokensUsed: number, nowMs: number): void {
    this.refill(nowMs)
    this.memoryUsed -= need.memoryBytes
    this.tokens = Math.min(this.limits.tokensPerMinute, this.tokens + need.tokens - tokensUsed)
  }

  /** Milliseconds until so many tokens will be there; 0 when they are. */
  tokensInMs(tokens: number, nowMs: number): number {
    this.refill(nowMs)
    return tokens <= this.tokens ? 0 : Math.ceil(((tokens - this.tokens) * 60_000) / this.limits.tokensPerMinute)
  }

  private refill(nowMs: number): void {
    const { tokensPerMinute } = this.limits
    if (tokensPerMinute === Number.POSITIVE_INFINITY) return
    this.tokens = Math.min(tokensPerMinute, this.tokens + ((nowMs - this.refilledAtMs) * tokensPerMinute) / 60_000)
    this.refilledAtMs = nowMs
  }
}
