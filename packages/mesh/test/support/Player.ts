/**
 * The other end of a connection, played by a test: it sends what the test says, and keeps what it gets.
 */
import * as Codec from "@continuum/core/Codec"
import type { Envelope } from "@continuum/core/Envelope"
import * as EnvelopeWire from "@continuum/core/EnvelopeWire"
import type { Identity } from "@continuum/core/Identity"
import * as Handshake from "@continuum/mesh/Handshake"
import type { PairEnd } from "@continuum/mesh/testing/ConnectionPair"
import { Effect } from "effect"
import { networkId } from "./Hub.ts"

/** Lets everything happen that needs no time. */
export const settle = Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 2)))

/** Waits, in real time, until something has happened; a failing test says which one did not. */
export const until = (what: string, happened: () => boolean): Effect.Effect<void> =>
  Effect.promise(async () => {
    for (let waitedMs = 0; !happened(); waitedMs += 2) {
      if (waitedMs > 10_000) throw new Error(`This did not happen: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  })

export class Player {
  readonly end: PairEnd
  readonly identity: Identity
  readonly frames: Array<Uint8Array>
  closed: boolean
  answersHeartbeats: boolean

  constructor(end: PairEnd, identity: Identity) {
    this.end = end
    this.identity = identity
    this.frames = []
    this.closed = false
    this.answersHeartbeats = true
    end.listen({
      message: (bytes) => {
        this.frames.push(bytes.slice())
        if (this.answersHeartbeats && bytes[0] === 0 && bytes[1] === 3) {
          this.end.send(new Uint8Array([0, 4, ...bytes.subarray(2)]))
        }
      },
      drain: () => undefined,
      closed: () => {
        this.closed = true
      }
    })
  }

  /** The frame of a greeting, with changes. */
  greeting(
    changes: Partial<Handshake.Greeting> & { readonly networkId?: Uint8Array; readonly identity?: Identity } = {}
  ): Uint8Array {
    const { identity = this.identity, networkId: network = networkId, ...greeting } = changes
    const bytes = Handshake.encode(
      {
        name: "player",
        capabilities: [],
        port: 0,
        instance: new Uint8Array(16).fill(9),
        protocols: ["continuum/envelope/1"],
        ...greeting
      },
      identity,
      network,
      this.end
    )
    return new Uint8Array([0, 0, ...bytes])
  }

  send(frame: Uint8Array | ReadonlyArray<number>): void {
    this.end.send(frame instanceof Uint8Array ? frame : Uint8Array.from(frame))
  }

  greet(): void {
    this.send(this.greeting())
  }

  ask(number: number, envelope: Envelope): void {
    this.send(joined([1, 0, 0, 0, number >> 8, number & 255], EnvelopeWire.encode(envelope)))
  }

  tell(envelope: Envelope): void {
    this.send(joined([1, 1], EnvelopeWire.encode(envelope)))
  }

  /** Waits until the other side has ended the connection. */
  get ended(): Effect.Effect<void> {
    return until("the connection is closed", () => this.closed)
  }

  /** Greets, and waits for the first heartbeat: the greeting was taken. */
  get greeted(): Effect.Effect<void> {
    return Effect.andThen(
      Effect.sync(() => this.greet()),
      until("a heartbeat", () => this.frames.some((frame) => frame[0] === 0 && frame[1] === 3))
    )
  }

  /** Frames of the envelope channel that came: their kinds, numbers and values. */
  answers(): Array<readonly [kind: number, number: number, value: unknown]> {
    return this.frames
      .filter((frame) => frame[0] === 1)
      .map((frame) => [
        frame[1]!,
        new DataView(frame.buffer, frame.byteOffset).getUint32(2),
        frame.length > 6 ? Codec.decodeUnsafe(frame.subarray(6)) : undefined
      ])
  }

  /** What the other side said when it left. */
  goodbye(): unknown {
    const frame = this.frames.find((frame) => frame[0] === 0 && frame[1] === 1)
    return frame === undefined ? undefined : Codec.decodeUnsafe(frame.subarray(2))
  }
}

const joined = (header: ReadonlyArray<number>, body: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(header.length + body.length)
  bytes.set(header)
  bytes.set(body, header.length)
  return bytes
}
