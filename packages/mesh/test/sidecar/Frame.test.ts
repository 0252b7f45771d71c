import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Frame from "../../src/sidecar/Frame.cjs"

const collect = (payloadBytesMax = 1_000) => {
  const frames: Array<[kind: string, id: number, payload: string]> = []
  const decode = Frame.decoder(payloadBytesMax, (kind, id, payload) =>
    frames.push([kind, id, Buffer.from(payload).toString()])
  )
  return { frames, decode }
}

describe("frames of a sidecar", () => {
  it("come out as they went in, wherever the stream is cut", () => {
    const kind = fc.constantFrom<Frame.Kind>("config", "write", "received", "pong", "token")
    const frame = fc.tuple(kind, fc.integer({ min: 0, max: 0xff_ff_ff_ff }), fc.string({ maxLength: 60 }))
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 10 }), fc.integer({ min: 1, max: 40 }), (frames, cut) => {
        const all = Buffer.concat(frames.map(([kind, id, text]) => Frame.encode(kind, id, Buffer.from(text))))
        const { decode, frames: found } = collect()
        for (let at = 0; at < all.length; at += cut) decode(all.subarray(at, at + cut))
        expect(found).toEqual(frames)
      })
    )
  })

  it("of the largest size pass, and of one byte more do not", () => {
    const { decode, frames } = collect(10)
    decode(Frame.encode("write", 1, new Uint8Array(10)))
    expect(frames).toHaveLength(1)
    expect(() => decode(Frame.encode("write", 1, new Uint8Array(11)))).toThrow("where 10 are allowed")
  })

  it("that are gigantic are refused by their length alone", () => {
    const gigantic = new Uint8Array([255, 255, 255, 255, 0, 0, 0, 0, 0])
    expect(() => collect().decode(gigantic)).toThrow("a frame of 4294967295 bytes")
    expect(() => collect().decode(new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, 0]))).toThrow("a frame of 1 bytes")
  })

  it("of an unknown kind are refused", () => {
    const { decode } = collect()
    expect(() => decode(new Uint8Array([5, 0, 0, 0, 200, 0, 0, 0, 0]))).toThrow("unknown kind 200")
  })

  it("of one turn are one write", async () => {
    const writes: Array<number> = []
    const write = Frame.writer((bytes) => writes.push(bytes.length))
    for (let at = 0; at < 10; at++) write(Frame.encode("ping", 0))
    await Promise.resolve()
    expect(writes).toEqual([90])
  })
})
