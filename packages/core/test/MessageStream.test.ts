import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { keyPairFromSeed } from "../src/Identity.ts"
import { connectionCreditBytes, connectionQueueBytesMax, frameBytesMax, pieceBytesMax } from "../src/Limits.ts"
import { MessageStream } from "../src/MessageStream.ts"
import type { TransportLost } from "../src/Transport.ts"

const peer = keyPairFromSeed(new Uint8Array(32).fill(1)).publicKey

/** One end of a stream whose other end is the test. */
const makeEnd = (write: (bytes: Uint8Array) => void = () => {}) => {
  const seen = {
    messages: [] as Array<Uint8Array>,
    drains: 0,
    closed: [] as Array<TransportLost | undefined>,
    ended: 0,
    destroyed: 0
  }
  const stream = new MessageStream(
    { peer, initiator: true, remoteAddress: "127.0.0.1:1", handshakeHash: new Uint8Array(32) },
    { write, end: () => seen.ended++, destroy: () => seen.destroyed++, closing: () => {} }
  )
  const listen = () =>
    stream.listen({
      message: (bytes) => seen.messages.push(bytes.slice()),
      drain: () => seen.drains++,
      closed: (reason) => seen.closed.push(reason)
    })
  return { stream, seen, listen }
}

const frame = (kind: number, payload: Uint8Array | number, claimed?: number) => {
  const bytes = typeof payload === "number" ? new Uint8Array(payload) : payload
  const size = claimed ?? bytes.length
  return new Uint8Array([size & 255, (size >>> 8) & 255, size >>> 16, kind, ...bytes])
}
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0))

describe("a message stream", () => {
  it.each([
    ["a piece above the limit", frame(0, 10, pieceBytesMax + 1), /a piece of 65537 bytes/],
    ["a frame of an unknown kind", frame(3, 1), /unknown kind 3/],
    ["an empty piece that is not the last", frame(1, 0), /an empty piece/],
    ["credit that nobody used", frame(2, new Uint8Array([1, 0, 0, 0])), /credit that nobody used/],
    ["credit of nothing", frame(2, new Uint8Array(4)), /credit that nobody used/],
    ["credit of another size", frame(2, 3), /credit that nobody used/]
  ])("ends with a reason at %s", async (_, bytes, reason) => {
    const { listen, seen, stream } = makeEnd()
    listen()
    stream.received(bytes)
    await turn()
    expect(seen.closed).toHaveLength(1)
    expect(seen.closed[0]?.message).toMatch(reason)
    expect(seen.destroyed).toBe(1)
    expect(stream.send(new Uint8Array(1))).toBe(false)
  })

  it.each([3, pieceBytesMax - 1, pieceBytesMax, 3 * pieceBytesMax])(
    "sends a message of %i bytes behind a first byte as one message",
    async (size) => {
      const { listen, seen, stream } = makeEnd()
      const sender = makeEnd((bytes) => stream.received(bytes)).stream
      listen()
      const bytes = new Uint8Array(size).map((_, at) => at * 7)
      sender.send(bytes, 200)
      bytes.fill(0)
      await turn()
      expect(seen.messages.map(({ length }) => length)).toEqual([size + 1])
      expect(seen.messages[0]!.every((byte, at) => byte === (at === 0 ? 200 : ((at - 1) * 7) % 256))).toBe(true)
      expect(() => sender.send(new Uint8Array(frameBytesMax), 1)).toThrow(RangeError)
    }
  )

  it("waits for the rest of a frame that is cut anywhere", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 }),
        (messages, cuts) => {
          const { listen, seen, stream } = makeEnd()
          listen()
          const all = messages.flatMap((message) => [...frame(0, message)])
          for (let at = 0, cut = 0; at < all.length; cut++) {
            const size = cuts[cut % cuts.length]!
            stream.received(new Uint8Array(all.slice(at, at + size)))
            at += size
          }
          expect(seen.messages).toEqual(messages)
        }
      )
    )
  })

  it("survives any bytes: it goes on or ends with a reason, and never throws", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), async (chunks) => {
        const { listen, seen, stream } = makeEnd()
        listen()
        for (const chunk of chunks) stream.received(chunk)
        await turn()
        expect(seen.closed.length).toBe(seen.destroyed)
      }),
      { numRuns: 300 }
    )
  })

  it("holds the credit for a reader who waits, and not one byte more", async () => {
    const pieces = connectionCreditBytes / (4 + 60)
    const { listen, seen, stream } = makeEnd()
    for (let at = 0; at < pieces; at++) stream.received(frame(0, 60))
    stream.received(new Uint8Array(0))
    expect(seen.destroyed).toBe(0)
    stream.received(frame(0, 0))
    expect(seen.destroyed).toBe(1)
    listen()
    await turn()
    expect(seen.closed[0]?.message).toContain(`more than its credit of ${connectionCreditBytes} bytes`)
  })

  it("gives credit back as the reader takes messages, never more than was used", async () => {
    const written: Array<Uint8Array> = []
    const { listen, stream } = makeEnd((bytes) => written.push(bytes))
    listen()
    for (let at = 0; at < 100; at++) stream.received(frame(0, pieceBytesMax))
    await turn()
    const granted = written
      .flatMap((bytes) => Array.from({ length: bytes.length / 8 }, (_, at) => bytes.slice(8 * at, 8 * at + 8)))
      .map((bytes) => new DataView(bytes.buffer).getUint32(4, true))
      .reduce((sum, count) => sum + count, 0)
    expect(granted).toBeLessThanOrEqual(100 * (4 + pieceBytesMax))
    expect(granted).toBeGreaterThan(100 * (4 + pieceBytesMax) - connectionCreditBytes)
  })

  it("refuses a message that grows beyond the limit piece by piece", async () => {
    const { listen, seen, stream } = makeEnd()
    listen()
    for (let sent = 0; sent <= frameBytesMax && seen.destroyed === 0; sent += pieceBytesMax) {
      stream.received(frame(1, pieceBytesMax))
    }
    await turn()
    expect(seen.messages).toEqual([])
    expect(seen.closed[0]?.message).toContain(`a message of more than ${frameBytesMax} bytes`)
  })

  it("lets no more wait than its limit when the sender does not wait for drain", async () => {
    const { listen, seen, stream } = makeEnd()
    listen()
    const message = new Uint8Array(1024 * 1024)
    let taken = 0
    while (seen.destroyed === 0 && taken < 100) {
      stream.send(message)
      taken++
    }
    await turn()
    expect(taken * message.length).toBeLessThan(connectionQueueBytesMax + 3 * message.length)
    expect(seen.closed[0]?.message).toContain("the peer does not read them")
  })

  it("makes one write of what is sent in one turn", async () => {
    const written: Array<Uint8Array> = []
    const { stream } = makeEnd((bytes) => written.push(bytes))
    for (let at = 0; at < 100; at++) stream.send(new Uint8Array(64))
    await turn()
    expect(written.map(({ length }) => length)).toEqual([100 * 68])
  })

  it("ends when its listener throws, with what it said", async () => {
    const { seen, stream } = makeEnd()
    stream.listen({
      message: () => {
        throw new Error("I do not understand")
      },
      drain: () => {},
      closed: (reason) => seen.closed.push(reason)
    })
    stream.received(frame(0, 1))
    await turn()
    expect(seen.closed[0]?.message).toContain("its listener failed: I do not understand")
  })

  it("delivers what arrived before the end to a reader who waited", async () => {
    const { listen, seen, stream } = makeEnd()
    stream.pause()
    listen()
    stream.received(frame(0, 5))
    stream.ended("gone")
    await turn()
    expect([seen.messages.length, seen.closed.length]).toEqual([0, 0])
    stream.resume()
    await turn()
    expect([seen.messages.length, seen.closed.map((lost) => lost?.reason)]).toEqual([1, ["gone"]])
  })

  it("has one listener", () => {
    const { listen } = makeEnd()
    listen()
    expect(listen).toThrow("A connection has one listener")
  })
})
