/**
 * Who speaks: where the process has a ThoughtStream, each answer is a turn of it. A better persona is served before others that wait, and
 * one that speaks makes way at its next token. Without a ThoughtStream all speak at once.
 *
 * The persona is asked by its name, so it does not wait for bids of others; what it waits for is a slot.
 */
import * as AiProcess from "@continuum/actors/thoughtstream/AiProcess"
import { ThoughtStream } from "@continuum/actors/thoughtstream/ThoughtStream"
import { Effect, Option, type Scope, Stream } from "effect"
import { AnswerTooLong, PersonaBusy } from "./PersonaError.ts"
import * as PersonaId from "./PersonaId.ts"
import type { Piece } from "./Worker.ts"

/** A persona that has something to say. */
export interface Speaker {
  readonly name: string
  /** 0 to 255, higher first. */
  readonly priority: number
  /** How sure it is, 0 to 1. */
  readonly confidence: number
}

/** A turn: it lasts until the scope is closed. */
export interface Turn {
  /** Counts tokens, and waits while a better persona has the slot. Fails with `AnswerTooLong` when the turn was taken away. */
  readonly tokens: (count: number) => Effect.Effect<void, AnswerTooLong>
}

export interface Floor {
  /** Waits for a turn. */
  readonly take: (speaker: Speaker) => Effect.Effect<Turn, PersonaBusy, Scope.Scope>
}

/** Before anything was measured: what a listener takes for prompt, and an answer of two paragraphs. Chosen, not measured. */
const latencyMsGuess = 1_000
const costTokensGuess = 500

/** Over the ThoughtStream of the context, if there is one. */
export const make: Effect.Effect<Floor> = Effect.map(Effect.serviceOption(ThoughtStream), (found) => {
  if (Option.isNone(found)) return { take: () => Effect.succeed({ tokens: () => Effect.void }) }
  const stream = found.value
  let taken = 0
  return {
    take: Effect.fnUntraced(function* ({ confidence, name, priority }) {
      const turnId = `answer/${++taken}`
      const personaId = PersonaId.of(name)
      const process = yield* Effect.orDie(
        Effect.fromResult(
          AiProcess.make({
            personaId,
            priority,
            confidence,
            latencyMs: latencyMsGuess,
            costTokens: costTokensGuess
          })
        )
      )
      yield* stream.requestTurn({ process, name, turnId, invited: [personaId], named: personaId }).pipe(
        Effect.catchTag("TooManyBids", ({ limit }) => Effect.fail(new PersonaBusy({ name, openTurnsMax: limit }))),
        // It needs nothing but a slot, and each turn has a new name.
        Effect.catchTags({ BidTwice: Effect.die, BudgetTooSmall: Effect.die })
      )
      return {
        tokens: (count) =>
          Effect.mapError(
            stream.tokens(turnId, personaId, count),
            ({ turnMsMax }) => new AnswerTooLong({ persona: name, turnMsMax })
          )
      }
    })
  }
})

/** An answer whose tokens count for a turn. A text is one at least; how many there were is known at the end. */
export const counted = <Error>(
  answer: Stream.Stream<Piece, Error>,
  { tokens }: Turn
): Stream.Stream<Piece, Error | AnswerTooLong> => {
  let texts = 0
  return Stream.tap(answer, (piece) => {
    if (piece._tag === "Text") {
      texts++
      return tokens(1)
    }
    const { completionTokens, promptTokens } = piece.usage
    return tokens(promptTokens + Math.max(0, completionTokens - texts))
  })
}
