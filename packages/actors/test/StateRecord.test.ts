import * as Codec from "@continuum/core/Codec"
import { describe, expect, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import * as Crc32c from "../src/Crc32c.ts"
import { recordBlockBytes } from "../src/Limits.ts"
import { RecordBlock } from "../src/RecordBlockLmdb.ts"
import * as StateRecord from "../src/StateRecord.ts"
import { WriteInBlock } from "../src/WriteInBlock.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

describe("CRC-32C", () => {
  it("has the values of RFC 3720, appendix B.4", () => {
    expect(Crc32c.of(bytes("123456789"))).toBe(0xe3069283)
    expect(Crc32c.of(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(Crc32c.of(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
    expect(Crc32c.of(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
    expect(Crc32c.of(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).toBe(0x113fdb5c)
  })

  it("continues from the checksum of what came before", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        expect(Crc32c.of(b, Crc32c.of(a))).toBe(Crc32c.of(Uint8Array.from([...a, ...b])))
      })
    )
  })
})

describe("the CRC-32C of a part of bytes", () => {
  it("is that of these bytes alone", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), fc.uint8Array(), (before, part, after) => {
        const all = Uint8Array.from([...before, ...part, ...after])
        const end = before.length + part.length
        expect(Crc32c.ofRange(all, before.length, end, 7)).toBe(Crc32c.of(part, 7))
      })
    )
  })
})

describe("the CRC-32C of a text", () => {
  it("is that of its bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
        expect(Crc32c.ofAscii(text)).toBe(Crc32c.of(bytes(text)))
      })
    )
  })
})

describe("a record", () => {
  const address = "continuum://local/counter/a"

  it("gives back the state that was sealed for this address", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (state) => {
        expect(StateRecord.open(address, StateRecord.seal(address, state))).toEqual(Result.succeed(state))
      })
    )
  })

  it("is the same in a block that it shares with others, and leaves those as they are", () => {
    const block = new RecordBlock()
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: recordBlockBytes / 2 }), { maxLength: 20 }), (states) => {
        const records = states.map((state) => {
          const record = block.seal(address, state) as Uint8Array & { readonly start?: number; readonly end?: number }
          return record.subarray(record.start ?? 0, record.end ?? record.length)
        })
        expect(records).toEqual(states.map((state) => StateRecord.seal(address, state)))
      })
    )
  })

  it("is the same where the encoder left the state, also when many were encoded before the first is sealed", () => {
    const block = new RecordBlock()
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 10_000 }), { maxLength: 30 }), (texts) => {
        const writes = texts.map((text, i) => WriteInBlock.of(`${address}${i}`, text.toWellFormed()))
        const states = writes.map(({ state }) => Uint8Array.from(state))
        const records = writes.map((write) => {
          const record = block.of(write) as Uint8Array & { readonly start: number; readonly end: number }
          return Uint8Array.from(record.subarray(record.start, record.end))
        })
        expect(states).toEqual(texts.map((text) => Codec.encode(text.toWellFormed())))
        expect(records).toEqual(states.map((state, i) => StateRecord.seal(`${address}${i}`, state)))
        expect(writes.map((write) => write.bytes)).toEqual(states.map((state) => state.length))
      })
    )
  })

  it("is refused when any bit of it is another, and under any other address", () => {
    const record = StateRecord.seal(address, bytes("the state"))
    for (let bit = 0; bit < record.length * 8; bit++) {
      const damaged = record.slice()
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      expect(Result.isFailure(StateRecord.open(address, damaged)), `bit ${bit}`).toBe(true)
    }
    expect(Result.isFailure(StateRecord.open(`${address}x`, record))).toBe(true)
    expect(Result.isFailure(StateRecord.open(address, record.slice(0, -1)))).toBe(true)
    expect(Result.isFailure(StateRecord.open(address, record.slice(0, StateRecord.headerBytes - 1)))).toBe(true)
  })

  it("of another version says so", () => {
    const record = StateRecord.seal(address, bytes("x"))
    record[0] = 2
    expect(StateRecord.open(address, record)).toMatchObject({ failure: expect.stringContaining("version 2") })
  })
})
