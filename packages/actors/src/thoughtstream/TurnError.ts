/**
 * What can go wrong with a bid or a turn. `BudgetTooSmall` stands with the budget.
 */
import { Schema } from "effect"

/** The turn is not this one's any more: it took longer than it may, and the next bid was served. */
export class TurnLost extends Schema.TaggedError<TurnLost>()("TurnLost", {
  personaId: Schema.String,
  turnId: Schema.String,
  turnMsMax: Schema.Number
}) {
  override get message() {
    return (
      `The turn of ${this.personaId} in ${this.turnId} took longer than ${this.turnMsMax} ms and was given to the next. ` +
      "Answer in less time, or raise turnMsMax of the ThoughtStream"
    )
  }
}

/** There are as many bids for this turn, or turns in all, as there may be. */
export class TooManyBids extends Schema.TaggedError<TooManyBids>()("TooManyBids", {
  turnId: Schema.String,
  limit: Schema.Int
}) {
  override get message() {
    return `The bid for ${this.turnId} was refused: there are ${this.limit} already. Bid again when some turns are over`
  }
}

/** The persona has a bid for this turn already, or holds it. */
export class BidTwice extends Schema.TaggedError<BidTwice>()("BidTwice", {
  personaId: Schema.String,
  turnId: Schema.String
}) {
  override get message() {
    return `${this.personaId} has bid for ${this.turnId} already. Wait for what comes of that bid`
  }
}
