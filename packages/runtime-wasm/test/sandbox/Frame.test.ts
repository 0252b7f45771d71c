import * as Limits from "@continuum/runtime-wasm/Limits"
import * as Frame from "@continuum/runtime-wasm/sandbox/Frame"
import { assert, describe, it } from "@effect/vitest"

const concat = (parts: ReadonlyArray<Uint8Array>) => Uint8Array.from(parts.flatMap((part) => [...part]))

describe("Frame", () => {
  it("gives messages back whole, however the stream is cut", () => {
    const messages = [{ a: [1, "two", null] }, new Uint8Array([1, 2, 3]), "x".repeat(1000), 7]
    const stream = concat(messages.map(Frame.encode))
    for (const size of [1, 2, 3, 5, 64, stream.length]) {
      const decode = Frame.makeDecoder()
      const decoded: Array<unknown> = []
      for (let at = 0; at < stream.length; at += size) decoded.push(...decode(stream.subarray(at, at + size)))
      assert.deepStrictEqual(
        decoded.map((value) => (value instanceof Uint8Array ? Uint8Array.from(value) : value)),
        messages
      )
    }
  })

  it("refuses a length above the limit before anything of it has come", () => {
    const header = new Uint8Array(4)
    new DataView(header.buffer).setUint32(0, Limits.frameBytesMax + 1)
    assert.throws(() => Frame.makeDecoder()(header), /Not a frame/)
    new DataView(header.buffer).setUint32(0, Limits.frameBytesMax)
    assert.deepStrictEqual(Frame.makeDecoder()(header), [])
  })

  it("refuses bytes that are no MessagePack", () => {
    assert.throws(() => Frame.makeDecoder()(new Uint8Array([0, 0, 0, 2, 0xcd, 1])), /Not a frame/)
  })
})
