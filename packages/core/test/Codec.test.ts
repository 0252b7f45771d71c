import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { Rpc, RpcGroup, RpcSerialization, RpcTest } from "effect/rpc"
import fc from "fast-check"
import * as Codec from "../src/Codec.ts"
import { envelopeBytesMax, payloadContainersMax, payloadDepthMax } from "../src/Limits.ts"
import { vectors } from "./vectors/CodecVectors.ts"
import { fromHex, toHex } from "./vectors/Ed25519Vectors.ts"

const decodeSync = (bytes: Uint8Array) => Effect.runSync(Codec.decode(bytes))
const refusal = (bytes: Uint8Array) => Effect.runSync(Effect.flip(Codec.decode(bytes)))
const roundTrip = (value: unknown) => decodeSync(Codec.encode(value))

/** Values that come back exactly as they went in. */
const { value: plainData } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false, undefined, Infinity, -Infinity, NaN),
    fc.integer(),
    fc.double().filter((x) => !Object.is(x, -0)),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.string({ unit: "grapheme" }),
    fc.uint8Array({ maxLength: 300 }),
    fc.float32Array({ maxLength: 20 }),
    fc.date({ noInvalidDate: true }),
    fc.array(tie("value"), { maxLength: 20 }),
    fc.dictionary(
      fc.string({ unit: "grapheme" }).filter((key) => key !== "__proto__"),
      tie("value"),
      { noNullPrototype: true, maxKeys: 20 }
    )
  )
}))

const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

describe("a value of plain data", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(plainData, (value) => {
        expect(roundTrip(value)).toStrictEqual(value)
      }),
      { numRuns: 500 }
    )
  })

  it("has the bytes of the MessagePack specification", () => {
    for (const [value, hex] of vectors) {
      expect(toHex(Codec.encode(value))).toBe(hex)
      expect(decodeSync(fromHex(hex))).toStrictEqual(value)
    }
  })

  it("may have any number of keys", () => {
    const value = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`key-${i}`, i]))
    expect(roundTrip(value)).toStrictEqual(value)
  })

  it("may hold typed arrays of every kind, also parts of a larger one", () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => 255 - i)
    for (const type of [
      Int8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
      BigInt64Array,
      BigUint64Array
    ]) {
      const part = new type(bytes.buffer, 8, 4)
      const decoded = roundTrip(part)
      expect(decoded).toBeInstanceOf(type)
      expect(decoded).toEqual(part)
    }
  })

  it("is encoded to fresh bytes that later calls leave alone", () => {
    const first = Codec.encode({ text: "first" })
    const before = first.slice()
    for (let i = 0; i < 1000; i++) Codec.encode({ text: `another ${i}` })
    expect(first).toEqual(before)
    expect(first.constructor).toBe(Uint8Array)
  })

  it("is encoded in a block to the same bytes, which later calls leave alone", () => {
    fc.assert(
      fc.property(fc.array(plainData, { maxLength: 30 }), fc.nat({ max: 255 }), (values, room) => {
        const places = values.map((value) => {
          const block = Codec.encodeInBlock(value, room)
          return { block, start: block.start, end: block.end }
        })
        for (const { block, start } of places) block.fill(0xc1, start, start + room)
        const all = places.map(({ block, end, start }) => toHex(block.subarray(start + room, end)))
        expect(all).toEqual(values.map((value) => toHex(Codec.encode(value))))
      })
    )
    const tooMany = Array.from({ length: payloadContainersMax }, () => [])
    expect(() => Codec.encodeInBlock(tooMany, 5)).toThrow(`more than ${payloadContainersMax} arrays and maps`)
  })

  it("is decoded to bytes of its own, that do not change with the message", () => {
    const message = Codec.encode({ bytes: new Uint8Array([1, 2, 3]), floats: new Float32Array([1.5]) })
    const decoded = decodeSync(message) as { bytes: Uint8Array; floats: Float32Array }
    message.fill(0)
    expect([...decoded.bytes]).toEqual([1, 2, 3])
    expect([...decoded.floats]).toEqual([1.5])
  })
})

describe("what MessagePack does not have", () => {
  it.each<readonly [name: string, value: unknown, decoded: unknown]>([
    ["-0 becomes 0", [-0], [0]],
    [
      "a Map becomes an object",
      new Map<unknown, unknown>([
        ["a", 1],
        [2, "b"]
      ]),
      { a: 1, "2": "b" }
    ],
    ["a Set becomes an array", new Set([1, 2]), [1, 2]],
    ["an ArrayBuffer becomes bytes", new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2])],
    ["a function becomes undefined", [() => 1], [undefined]],
    [
      "a class instance becomes a plain object",
      new (class Point {
        x = 1
      })(),
      { x: 1 }
    ],
    ["a lone surrogate becomes U+FFFD", "\ud800", "\ufffd\ufffd\ufffd"],
    ["an invalid date stays one", [new Date(NaN)], [new Date(NaN)]],
    ["a key __proto__ is renamed", JSON.parse('{"__proto__": {"admin": true}}'), { __proto_: { admin: true } }]
  ])("%s", (_, value, decoded) => {
    const result = roundTrip(value)
    expect(result).toEqual(decoded)
    if (Array.isArray(decoded) && Object.is(decoded[0], 0))
      expect(Object.is((result as Array<number>)[0], 0)).toBe(true)
  })

  it("does not reach the prototype of anything", () => {
    roundTrip(JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}'))
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it("is refused when it would be lost: symbols, large bigints, views, cycles, values too deep to come back", () => {
    const cycle: Array<unknown> = []
    cycle.push(cycle)
    for (const value of [Symbol("x"), 2n ** 64n, -(2n ** 63n) - 1n, new DataView(new ArrayBuffer(8)), cycle]) {
      expect(() => Codec.encode({ value })).toThrow(TypeError)
    }
    expect(() => Codec.encode(nested(payloadDepthMax + 1))).toThrow(/nested deeper than 64/)
    expect(roundTrip(nested(payloadDepthMax))).toEqual(nested(payloadDepthMax))
    expect(roundTrip({ still: "works" })).toEqual({ still: "works" })
  })

  it("does not let a Float32Array carry what was in memory before it", () => {
    Codec.encode("secret ".repeat(1000))
    const bytes = Codec.encode(new Float32Array(1000))
    expect(bytes.slice(6).every((byte) => byte === 0)).toBe(true)
  })
})

describe("malformed bytes", () => {
  it.each([
    ["no byte", "", /end in the middle/],
    ["a byte that is never used", "c1", /c1 is never used/],
    ["a string cut short", "a3", /end in the middle/],
    ["a number cut short", "cb3ff8", /end in the middle/],
    ["a length cut short", "dd0000", /end in the middle/],
    ["an array that claims four thousand million items", "ddffffffff", /end in the middle/],
    ["a map that claims four thousand million entries", "dfffffffff", /end in the middle/],
    ["a map with a key and no value", "81a161", /end in the middle/],
    ["bytes that claim to be 4 GiB", "c6ffffffff01", /end in the middle/],
    ["a string that claims to be 4 GiB", "dbffffffff61", /end in the middle/],
    ["an extension that claims to be 4 GiB", "c9ffffffff74", /end in the middle/],
    ["more after the value", "0101", /1 bytes follow/],
    ["a map with an array as key", "819101c0", /non-string keys/],
    ["msgpackr's record definition", "d4724091a16101", /extension type 114/],
    ["msgpackr's reference, which would make a cycle", "d6690000000191d67000000001", /extension type 105/],
    ["msgpackr's regular expression", "d4780092a3612b2ba0", /extension type 120/],
    ["msgpackr's error", "d4650093a1780000", /extension type 101/],
    ["msgpackr's bundled strings", "d66200000000", /extension type 98/],
    ["an unknown extension", "d5050000", /extension type 5/],
    ["a typed array of no kind", "d574ff00", /no kind 255/],
    ["a Float64Array of 3 bytes", "c7047408010203", /./]
  ])("%s", (_, hex, reason) => {
    const error = refusal(fromHex(hex))
    expect(error).toBeInstanceOf(Codec.BytesMalformed)
    expect(error.message).toMatch(/not valid MessagePack/)
    expect(error.reason).toMatch(reason)
  })

  it("nested without end are refused, and do not overflow the stack", () => {
    for (const token of [0x91, 0x81, 0xdc]) {
      expect(refusal(new Uint8Array(1_000_000).fill(token)).reason).toMatch(/nested deeper|end in the middle/)
    }
    const levels = (depth: number) => Uint8Array.from([...Array<number>(depth).fill(0x91), 0xc0])
    expect(decodeSync(levels(payloadDepthMax))).toHaveLength(1)
    expect(refusal(levels(payloadDepthMax + 1)).reason).toMatch(/nested deeper than 64/)
  })

  it("of millions of empty arrays are refused at the limit, and accepted below it", () => {
    const arrays = (count: number) => {
      const bytes = new Uint8Array(5 + count).fill(0x90)
      bytes[0] = 0xdd
      new DataView(bytes.buffer).setUint32(1, count)
      return bytes
    }
    expect(decodeSync(arrays(payloadContainersMax - 1))).toHaveLength(payloadContainersMax - 1)
    expect(refusal(arrays(payloadContainersMax)).reason).toMatch(/more than 1000000 arrays and maps/)
  })

  it("never throw anything but BytesMalformed, whatever they are", () => {
    const check = (bytes: Uint8Array) => {
      const exit = Effect.runSyncExit(Codec.decode(bytes))
      if (Exit.isFailure(exit)) expect(refusal(bytes)).toBeInstanceOf(Codec.BytesMalformed)
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: 2000 })
    const tokens = fc.constantFrom(0x81, 0x92, 0xa2, 0xc4, 0xc7, 0xd4, 0xd6, 0xd9, 0xdc, 0xde, 0x74, 0x00, 0xff, 0x01)
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 40 }), (bytes) => check(Uint8Array.from(bytes))),
      { numRuns: 2000 }
    )
  })

  it("made from good ones by cutting or flipping never throw anything else, and a cut is always seen", () => {
    fc.assert(
      fc.property(plainData, fc.nat(), fc.nat({ max: 255 }), (value, position, byte) => {
        const bytes = Codec.encode(value)
        const at = position % bytes.length
        expect(refusal(bytes.slice(0, at))).toBeInstanceOf(Codec.BytesMalformed)
        const flipped = bytes.slice()
        flipped[at] = byte
        const exit = Effect.runSyncExit(Codec.decode(flipped))
        if (Exit.isFailure(exit)) expect(refusal(flipped)).toBeInstanceOf(Codec.BytesMalformed)
      })
    )
  })
})

describe("bytes for a moment", () => {
  it("are those of encode, behind the room that was asked for, whatever their size", () => {
    fc.assert(
      fc.property(plainData, fc.nat(9), (value, room) => {
        expect(Codec.encodeBriefly(value, room).subarray(room)).toEqual(Codec.encode(value))
      })
    )
    const large = new Uint8Array(100_000).fill(7)
    expect(Codec.encodeBriefly(large, 5).slice(5)).toEqual(Codec.encode(large))
  })

  it("are refused where encode refuses, and last until the next call", () => {
    let deep: unknown = 1
    for (let i = 0; i <= payloadDepthMax; i++) deep = [deep]
    expect(() => Codec.encodeBriefly(deep)).toThrow("nested deeper")
    const first = Codec.encodeBriefly("first")
    Codec.encodeBriefly("other")
    expect(Codec.decodeUnsafe(first)).toBe("other")
  })
})

describe("the RPC serialization", () => {
  const makeParser = (bytesMax?: number) => Codec.makeRpcSerialization(bytesMax).makeUnsafe()
  const messages = [{ _tag: "Ping" }, { _tag: "Request", id: "1", payload: { n: 21 } }, { text: "grüß 🙂".repeat(40) }]
  const wire = makeParser().encode(messages) as Uint8Array

  it("frames several messages at once, and nothing for none", () => {
    expect(makeParser().decode(wire)).toEqual(messages)
    expect(makeParser().encode([])).toBeUndefined()
    expect(makeParser().decode(makeParser().encode(messages[0]) as Uint8Array)).toEqual([messages[0]])
  })

  it("puts frames together that arrive cut at any byte", () => {
    for (let at = 0; at <= wire.length; at++) {
      const parser = makeParser()
      expect([...parser.decode(wire.slice(0, at)), ...parser.decode(wire.slice(at))]).toEqual(messages)
    }
  })

  it("puts frames together that arrive byte by byte, or in chunks of any size", () => {
    const parser = makeParser()
    expect([...wire].flatMap((byte) => parser.decode(Uint8Array.of(byte)))).toEqual(messages)
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 30 }), (sizes) => {
        const chunked = makeParser()
        const stream = makeParser().encode([...messages, ...messages, ...messages]) as Uint8Array
        const received: Array<unknown> = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length]! + (i % 2)
          received.push(...chunked.decode(stream.slice(at, at + size)))
          at += size
        }
        expect(received).toEqual([...messages, ...messages, ...messages])
      })
    )
  })

  it("keeps what it returned when the chunk it came in is used again", () => {
    const chunk = makeParser().encode({ bytes: new Uint8Array([1, 2, 3]) }) as Uint8Array
    const [message] = makeParser().decode(chunk) as [{ bytes: Uint8Array }]
    chunk.fill(0)
    expect([...message.bytes]).toEqual([1, 2, 3])
  })

  it("takes a frame of exactly the limit and refuses the next larger one at its header", () => {
    const bytesOf = (length: number) => new Uint8Array(new Uint32Array([length]).buffer).toReversed()
    const body = Codec.encode("x".repeat(97))
    expect(body).toHaveLength(99)
    const exact = new Uint8Array([...bytesOf(99), ...body])
    expect(makeParser(99).decode(exact)).toEqual(["x".repeat(97)])
    expect(() => makeParser(98).decode(exact)).toThrow(RpcSerialization.MaxBufferSizeExceeded)
    expect(() => makeParser().decode(bytesOf(envelopeBytesMax + 1))).toThrow(RpcSerialization.MaxBufferSizeExceeded)
    expect(makeParser().decode(bytesOf(envelopeBytesMax))).toEqual([])
  })

  it("is of no further use after a bad frame: later good ones are not read at a wrong place", () => {
    const parser = makeParser()
    expect(() => parser.decode(new Uint8Array([0, 0, 0, 1, 0xc1]))).toThrow(Codec.BytesMalformed)
    expect(() => parser.decode(wire)).toThrow(Codec.BytesMalformed)
    const deep = new Uint8Array(1000).fill(0x91)
    deep.set([0, 0, 3, 0xe4])
    expect(() => makeParser().decode(deep)).toThrow(/nested deeper/)
  })

  it("carries calls of effect/rpc, with their errors", async () => {
    const Calls = RpcGroup.make(
      Rpc.make("double", {
        payload: { n: Codec.BytesMalformed.fields.reason },
        success: Codec.BytesMalformed.fields.reason,
        error: Codec.BytesMalformed
      })
    )
    const program = Effect.gen(function* () {
      const client = yield* RpcTest.makeClient(Calls)
      const answer = yield* client.double({ n: "ab" })
      const error = yield* Effect.flip(client.double({ n: "" }))
      return { answer, error }
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Calls.toLayer({
          double: ({ n }) =>
            n === "" ? Effect.fail(new Codec.BytesMalformed({ reason: "empty" })) : Effect.succeed(n + n)
        })
      )
    )
    const { answer, error } = await Effect.runPromise(program)
    expect(answer).toBe("abab")
    expect(error).toEqual(new Codec.BytesMalformed({ reason: "empty" }))
  })
})
