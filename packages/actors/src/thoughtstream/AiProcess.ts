/**
 * What the ThoughtStream knows of one AI: who it is, how urgent and how sure it is, what its turns take, and what it is doing.
 * Plain data; every change gives a new value.
 */
import { Result, Schema } from "effect"
import * as Limits from "../Limits.ts"

/** `ready`: wants a turn. `running`: has it. `blocked`: in its turn, waits for something else. `sleeping`: wants nothing. */
export const State = Schema.Literals(["ready", "running", "blocked", "sleeping"])
export type State = typeof State.Type

const positive = Schema.Finite.check(Schema.isGreaterThan(0))

export const AiProcess = Schema.Struct({
  /** UUID of the persona. */
  personaId: Schema.String.check(Schema.isUUID()),
  /** 0 to 255, higher first. */
  priority: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })),
  /** How sure it is of what it would say, 0 to 1. */
  confidence: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  /** Milliseconds of a turn: an estimate, and from its first turn on a moving average of what was measured. */
  latencyMs: positive,
  /** Tokens of a turn, in the same way. */
  costTokens: positive,
  state: State
})
export type AiProcess = typeof AiProcess.Type

/** No process changes its state like that. */
export class TransitionIllegal extends Schema.TaggedError<TransitionIllegal>()("TransitionIllegal", {
  personaId: Schema.String,
  from: State,
  to: State
}) {
  override get message() {
    const allowed = transitions[this.from].join(", ")
    return `Process ${this.personaId} cannot go from ${this.from} to ${this.to}; from ${this.from} it can go to: ${allowed}`
  }
}

/** A process from what is known of a persona. The priority is cut to 0 to 255; everything else is checked. */
export const make = (
  input: Omit<AiProcess, "state"> & { readonly state?: State }
): Result.Result<AiProcess, Schema.SchemaError> =>
  decode({ state: "sleeping", ...input, priority: clampPriority(input.priority) })

const decode = Schema.decodeUnknownResult(AiProcess)

/** The nearest whole number from 0 to 255. NaN stays NaN, which no process accepts. */
export const clampPriority = (priority: number): number => Math.min(255, Math.max(0, Math.round(priority)))

/** States that may follow each state. */
export const transitions: Readonly<Record<State, ReadonlyArray<State>>> = {
  ready: ["running", "sleeping"],
  // Back to `ready`: a better one took the turn, and it goes on later.
  running: ["ready", "blocked", "sleeping"],
  blocked: ["ready", "sleeping"],
  sleeping: ["ready"]
}

/** The process in another state, if one follows the other. */
export const transition = (process: AiProcess, to: State): Result.Result<AiProcess, TransitionIllegal> =>
  transitions[process.state].includes(to)
    ? Result.succeed({ ...process, state: to })
    : Result.fail(new TransitionIllegal({ personaId: process.personaId, from: process.state, to }))

/** The process after a turn that took so long and cost so much: the newest turn counts for a fifth. */
export const measured = (process: AiProcess, latencyMs: number, costTokens: number): AiProcess => ({
  ...process,
  latencyMs: average(process.latencyMs, latencyMs),
  costTokens: average(process.costTokens, costTokens)
})

// Nothing takes no time at all; less than 1 would make a score of `1 / latency` larger than all others together.
const average = (before: number, now: number): number => before + Limits.averageWeight * (Math.max(1, now) - before)
