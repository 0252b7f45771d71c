/**
 * Streamed replies on the channel of actor messages: those that this node reads from a peer, and those that flow from here.
 *
 * Each stream has a credit of its own, in bytes: whoever sends stops when it is used up, besides a last value that begins within it,
 * and the reader gives back what it has read. A stream ends once, by a frame of its sender, also when its reader has cancelled it; its
 * number is free only then, so that a value for a number that is none is a fault of the peer and costs it the connection.
 */
import * as Codec from "@continuum/core/Codec"
import type { DeliveryError, Outcome } from "@continuum/core/Delivery"
import { Cause, Effect, Exit, type Fiber, Stream } from "effect"
import { frame, headed, headerBytes, kinds, reasonLengthMax } from "./EnvelopeFrame.ts"
import * as Limits from "./Limits.ts"

/** What the streams need of their channel. */
export interface StreamsHost {
  readonly send: (bytes: Uint8Array) => void
  /** Whether the peer reads slower than it is sent to: streams wait for the next `drain`. */
  readonly isFull: () => boolean
  /** Ends the connection: the peer does not keep to the protocol. */
  readonly close: (reason: string) => void
  readonly nowMs: () => number
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

type Some = readonly [Outcome, ...Array<Outcome>]

/** A stream that this node reads. */
interface Reading {
  readonly number: number
  /** Bytes that the peer may still send. */
  credit: number
  /** Bytes that were taken by the reader and are not given back yet. */
  taken: number
  arrived: Array<Outcome>
  arrivedBytes: number
  /** Set by its end: the last outcome, if it has one. */
  ended: { last: Effect.Effect<Outcome, DeliveryError> | undefined } | undefined
  /** Called when something has arrived for a reader who waits. */
  wake: (() => void) | undefined
  /** When its reader gave it up; its end is still to come. */
  cancelledMs: number | undefined
}

/** A stream that flows to the peer. */
interface Flowing {
  readonly number: number
  /** Of the frame that asked for it. */
  readonly bytes: number
  credit: number
  fiber: Fiber.Fiber<void> | undefined
  /** Called when there may be credit and room for a value that waits. */
  wake: (() => void) | undefined
  /** Since when a value waits. */
  sinceMs: number
}

export class EnvelopeStreams {
  private readonly host: StreamsHost
  private readonly reading: Map<number, Reading>
  private readonly flowing: Map<number, Flowing>
  /** Bytes of the frames that asked for what flows from here. */
  flowingBytes: number

  constructor(host: StreamsHost) {
    this.host = host
    this.reading = new Map()
    this.flowing = new Map()
    this.flowingBytes = 0
  }

  /** Streams that this node reads, those included that it gave up and that have not ended yet. */
  get readingSize(): number {
    return this.reading.size
  }

  isReading(number: number): boolean {
    return this.reading.has(number)
  }

  isFlowing(number: number): boolean {
    return this.flowing.has(number)
  }

  // ---------------------------------------------------------------- read here

  /**
   * Reads the stream that `ask` asks for: it gives its number, or says why nothing was sent. Leaving it cancels it. Nothing comes
   * between the ask and its place among those that are read: values may arrive as soon as it was sent.
   */
  read(ask: () => number | DeliveryError): Stream.Stream<Outcome, DeliveryError> {
    const opened = Effect.acquireRelease(
      Effect.suspend(() => {
        const asked = ask()
        return typeof asked === "number" ? Effect.succeed(this.opened(asked)) : Effect.fail(asked)
      }),
      (reading) => Effect.sync(() => this.cancel(reading))
    )
    return Stream.unwrap(Effect.map(opened, (reading) => Stream.fromPull(Effect.succeed(this.pull(reading)))))
  }

  private opened(number: number): Reading {
    const reading: Reading = {
      number,
      credit: Limits.streamCreditBytes,
      taken: 0,
      arrived: [],
      arrivedBytes: 0,
      ended: undefined,
      wake: undefined,
      cancelledMs: undefined
    }
    this.reading.set(number, reading)
    return reading
  }

  private pull(reading: Reading): Effect.Effect<Some, DeliveryError | Cause.Done> {
    return Effect.callback((resume) => {
      const next = this.next(reading)
      if (next !== undefined) return resume(next)
      reading.wake = () => {
        reading.wake = undefined
        resume(this.next(reading)!)
      }
      return Effect.sync(() => (reading.wake = undefined))
    })
  }

  /** All that has arrived, or the end; undefined while there is neither. */
  private next(reading: Reading): Effect.Effect<Some, DeliveryError | Cause.Done> | undefined {
    const { arrived, ended } = reading
    if (arrived.length > 0) {
      reading.arrived = []
      this.giveBack(reading)
      return Effect.succeed(arrived as unknown as Some)
    }
    if (ended === undefined) return undefined
    const { last } = ended
    ended.last = undefined
    return last === undefined ? Cause.done() : Effect.map(last, (outcome): Some => [outcome])
  }

  /** Lets the peer send as much again as was read, in portions of half the credit. */
  private giveBack(reading: Reading): void {
    reading.taken += reading.arrivedBytes
    reading.arrivedBytes = 0
    if (reading.ended !== undefined || reading.taken < Limits.streamCreditBytes / 2) return
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setUint32(0, reading.taken)
    reading.credit += reading.taken
    reading.taken = 0
    this.host.send(frame(kinds.credit, reading.number, bytes))
  }

  private cancel(reading: Reading): void {
    if (reading.ended !== undefined) return
    reading.cancelledMs = this.host.nowMs()
    reading.arrived = []
    this.host.send(frame(kinds.cancel, reading.number))
  }

  /** Throws for a stream that is none, and beyond its credit. */
  valueArrived(number: number, body: Uint8Array): void {
    const reading = this.reading.get(number)
    if (reading === undefined) throw new Error("it sent a value of a stream that is none, or has ended")
    if (reading.credit <= 0) throw new Error("it sent more of a stream than it was given credit for")
    if (body.length > Limits.streamValueBytesMax) throw new Error(`it sent a value of ${body.length} bytes in a stream`)
    const value = Codec.decodeChecked(body)
    reading.credit -= body.length + headerBytes
    if (reading.cancelledMs !== undefined) return
    reading.arrived.push({ _tag: "Replied", value })
    reading.arrivedBytes += body.length + headerBytes
    reading.wake?.()
  }

  /** The end of a stream, with the last thing that comes of it. Throws for a stream that is none. */
  endArrived(number: number, last: Effect.Effect<Outcome, DeliveryError> | undefined): void {
    const reading = this.reading.get(number)
    if (reading === undefined) throw new Error("it ended a stream that is none, or has ended")
    this.reading.delete(number)
    reading.ended = { last }
    reading.wake?.()
  }

  // ---------------------------------------------------------------- flow from here

  /** Sends what comes of a peer's ask of so many bytes, as the peer reads it. */
  start(number: number, bytes: number, outcomes: Stream.Stream<Outcome>): void {
    if (this.flowing.size >= Limits.streamsMax)
      throw new Error(`it reads more than ${Limits.streamsMax} streams at once`)
    const flow: Flowing = {
      number,
      bytes,
      credit: Limits.streamCreditBytes,
      fiber: undefined,
      wake: undefined,
      sinceMs: 0
    }
    this.flowing.set(number, flow)
    this.flowingBytes += bytes
    const sent = Stream.runForEach(outcomes, (outcome) => this.whenRoom(flow, () => this.send(flow, outcome)))
    flow.fiber = this.host.fork(
      Effect.flatMap(Effect.exit(sent), (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit)) this.finish(flow, frame(kinds.end, number))
          else this.finish(flow, unanswered(number, Cause.prettyErrors(exit.cause)[0]?.message ?? "it ended"))
        })
      )
    )
  }

  private hasRoom({ credit }: Flowing): boolean {
    return credit > 0 && !this.host.isFull()
  }

  private whenRoom(flow: Flowing, then: () => void): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.hasRoom(flow)) return Effect.sync(then)
      flow.sinceMs = this.host.nowMs()
      return Effect.callback<void>((resume) => {
        flow.wake = () => {
          if (!this.hasRoom(flow)) return
          flow.wake = undefined
          resume(this.whenRoom(flow, then))
        }
      })
    })
  }

  /** Throws for a value or an error that cannot travel: then the stream ends there. */
  private send(flow: Flowing, outcome: Outcome): void {
    if (!this.flowing.has(flow.number)) return
    if (outcome._tag !== "Replied") {
      const last = frame(
        outcome._tag === "Failed" ? kinds.failed : kinds.refused,
        flow.number,
        Codec.encode(outcome.error)
      )
      if (last.length > Limits.envelopeFrameBytesMax) throw new RangeError(`its error has ${last.length} bytes`)
      return this.finish(flow, last)
    }
    const bytes = Codec.encodeBriefly(outcome.value, headerBytes)
    const length = bytes.length - headerBytes
    if (length > Limits.streamValueBytesMax) {
      throw new RangeError(`a value has ${length} bytes, more than the ${Limits.streamValueBytesMax} of a stream`)
    }
    flow.credit -= bytes.length
    this.host.send(headed(kinds.value, flow.number, bytes))
  }

  /** Nothing follows this frame. */
  private finish(flow: Flowing, last: Uint8Array): void {
    if (this.flowing.get(flow.number) !== flow) return
    this.flowing.delete(flow.number)
    this.flowingBytes -= flow.bytes
    this.host.send(last)
  }

  /** The peer no longer reads this stream. Whether there is one of this number. */
  cancelArrived(number: number): boolean {
    const flow = this.flowing.get(number)
    if (flow === undefined) return false
    this.finish(flow, frame(kinds.end, number))
    flow.fiber?.interruptUnsafe()
    return true
  }

  /** The peer has read so much. Throws when it gives back more than it got. */
  creditArrived(number: number, body: Uint8Array): void {
    if (body.length !== 4) throw new Error(`it sent a credit of ${body.length} bytes`)
    const flow = this.flowing.get(number)
    // It may have crossed the end.
    if (flow === undefined) return
    flow.credit += new DataView(body.buffer, body.byteOffset).getUint32(0)
    if (flow.credit > Limits.streamCreditBytes) throw new Error("it gave more credit for a stream than it was sent")
    flow.wake?.()
  }

  // ---------------------------------------------------------------- the channel

  /** The channel takes more. */
  drain(): void {
    for (const { wake } of this.flowing.values()) wake?.()
  }

  /** What has to be done from time to time. */
  look(nowMs: number): void {
    for (const flow of this.flowing.values()) {
      if (flow.wake === undefined || nowMs - flow.sinceMs < Limits.streamUnreadMsMax) continue
      this.finish(flow, unanswered(flow.number, `nothing of the stream was read for ${Limits.streamUnreadMsMax} ms`))
      flow.fiber?.interruptUnsafe()
    }
    for (const { cancelledMs } of this.reading.values()) {
      if (cancelledMs === undefined || nowMs - cancelledMs < Limits.streamEndMsMax) continue
      return this.host.close(`it did not end a stream within ${Limits.streamEndMsMax} ms`)
    }
  }

  closed(lost: DeliveryError): void {
    for (const reading of this.reading.values()) {
      reading.ended = { last: Effect.fail(lost) }
      reading.wake?.()
    }
    this.reading.clear()
    for (const { fiber } of this.flowing.values()) fiber?.interruptUnsafe()
    this.flowing.clear()
    this.flowingBytes = 0
  }
}

const unanswered = (number: number, reason: string): Uint8Array =>
  frame(kinds.unanswered, number, Codec.encode(reason.slice(0, reasonLengthMax)))
