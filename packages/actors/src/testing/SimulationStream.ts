/**
 * One streamed reply on its way between two simulated nodes. Its values arrive in order, whatever happens to other messages, and it is
 * held back by its reader: whoever speaks is no more than `Limits.simulationStreamCredit` values ahead of what was read.
 */
import * as Codec from "@continuum/core/Codec"
import type { DeliveryError, Outcome } from "@continuum/core/Delivery"
import { Cause, Effect, Stream } from "effect"
import * as Limits from "../Limits.ts"

/** The way between the two, both ends of which see what happens in the order in which it was sent. What is cut off is not done. */
export interface StreamLine {
  readonly toReader: (task: () => void) => void
  readonly toSpeaker: (task: () => void) => void
}

type Some = readonly [Outcome, ...Array<Outcome>]

export class SimulationStream {
  private readonly line: StreamLine
  // Of the reader.
  private arrived: Array<Outcome>
  private ended: Effect.Effect<never, DeliveryError | Cause.Done> | undefined
  private wake: (() => void) | undefined
  // Of the speaker.
  private credit: number
  private goOn: (() => void) | undefined

  constructor(line: StreamLine) {
    this.line = line
    this.arrived = []
    this.ended = undefined
    this.wake = undefined
    this.credit = Limits.simulationStreamCredit
    this.goOn = undefined
  }

  /** What the reader reads. */
  get outcomes(): Stream.Stream<Outcome, DeliveryError> {
    return Stream.fromPull(Effect.succeed(this.pull))
  }

  /** Nothing follows what has arrived already. */
  end(how: Effect.Effect<never, DeliveryError | Cause.Done>): void {
    this.ended ??= how
    this.wake?.()
  }

  /** Sends what is said, one value after the other, as it is read; then its end. */
  speak(outcomes: Stream.Stream<Outcome>): Effect.Effect<void> {
    const said = Stream.runForEach(outcomes, (outcome) =>
      Effect.andThen(
        this.whenCredit,
        Effect.sync(() => this.say(outcome))
      )
    )
    return Effect.andThen(
      said,
      Effect.sync(() => this.line.toReader(() => this.end(Cause.done())))
    )
  }

  private readonly pull: Effect.Effect<Some, DeliveryError | Cause.Done> = Effect.callback((resume) => {
    const next = this.next()
    if (next !== undefined) return resume(next)
    this.wake = () => {
      this.wake = undefined
      resume(this.next()!)
    }
    return Effect.sync(() => (this.wake = undefined))
  })

  private next(): Effect.Effect<Some, DeliveryError | Cause.Done> | undefined {
    const { arrived } = this
    if (arrived.length === 0) return this.ended
    this.arrived = []
    this.line.toSpeaker(() => {
      this.credit += arrived.length
      this.goOn?.()
    })
    return Effect.succeed(arrived as unknown as Some)
  }

  private readonly whenCredit: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.credit > 0) return resume(Effect.void)
    this.goOn = () => {
      this.goOn = undefined
      resume(Effect.void)
    }
    return Effect.sync(() => (this.goOn = undefined))
  })

  private say(outcome: Outcome): void {
    this.credit--
    const bytes = Codec.encode(outcome)
    this.line.toReader(() => {
      this.arrived.push(Codec.decodeUnsafe(bytes) as Outcome)
      this.wake?.()
    })
  }
}
