import * as ContentId from "@continuum/core/ContentId"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import fc from "fast-check"
import * as Dtype from "../../src/formats/Dtype.ts"
import * as Safetensors from "../../src/formats/Safetensors.ts"
import * as SafetensorsHeader from "../../src/formats/SafetensorsHeader.ts"
import { safetensorsHeaderBytesMax, tensorDimensionsMax } from "../../src/Limits.ts"

const readSync = (file: Uint8Array) => Effect.runSync(Safetensors.read(file))
const writeSync = (file: Safetensors.Safetensors) => Effect.runSync(Safetensors.write(file))
const refusal = (file: Uint8Array) => Effect.runSync(Effect.flip(Safetensors.read(file)))
const ascii = (text: string) => new TextEncoder().encode(text)

/** A file from the text of its header, as it stands, and data. */
const fileOf = (header: string | Uint8Array, data: Uint8Array = new Uint8Array(0)): Uint8Array => {
  const json = typeof header === "string" ? ascii(header) : header
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true)
  return new Uint8Array([...length, ...json, ...data])
}
const noMetadata: ReadonlyMap<string, string> = new Map()
const f32 = (values: ReadonlyArray<number>, shape: ReadonlyArray<number>) =>
  Safetensors.fromFloat32(Float32Array.from(values), shape)

const shapes = fc.array(fc.nat({ max: 4 }), { maxLength: 4 })
const tensorOf = (dtype: Dtype.Dtype, shape: ReadonlyArray<number>, fill: number): Safetensors.Tensor => ({
  dtype,
  shape,
  bytes: Uint8Array.from({ length: Dtype.bytesOf(dtype, shape) ?? 0 }, (_, i) => (i * 7 + fill) & 255)
})
const texts = fc.string({ unit: "grapheme", maxLength: 12 })
const files: fc.Arbitrary<Safetensors.Safetensors> = fc
  .tuple(
    fc.array(fc.tuple(texts, texts), { maxLength: 4 }),
    fc.array(fc.tuple(texts, fc.constantFrom(...Dtype.Dtype.literals), shapes, fc.nat({ max: 255 })), { maxLength: 8 })
  )
  .map(([metadata, tensors]) => ({
    metadata: new Map(metadata),
    tensors: new Map(
      tensors
        .filter(([name, dtype, shape]) => name !== "__metadata__" && Dtype.bytesOf(dtype, shape) !== undefined)
        .map(([name, dtype, shape, fill]) => [name, tensorOf(dtype, shape, fill)])
    )
  }))

describe("writing", () => {
  it("gives the bytes of the format, the header filled up to a multiple of 8", () => {
    const tensors = new Map([["attn.0", f32([0, 1, 2, 3, 4, 5], [1, 2, 3])]])
    const header = '{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}'
    expect(header.length % 8).toBe(0)
    const data = new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5).buffer)
    expect(writeSync({ metadata: noMetadata, tensors })).toEqual(fileOf(header, data))
    const shorter = new Map([["attn0", f32([0, 1, 2, 3, 4, 5], [1, 2, 3])]])
    expect(writeSync({ metadata: noMetadata, tensors: shorter })).toEqual(fileOf(`${header.replace(".", "")} `, data))
  })

  it("gives byte by byte what the reference, safetensors 0.8.0, writes for the same tensors", () => {
    const tensors = new Map<string, Safetensors.Tensor>([
      ["b", f32([1, 2, 3], [3])],
      ['a/ü"', Safetensors.fromFloat32(Float32Array.of(1, 2), [2, 1], "F16")],
      ["z", { dtype: "I64", shape: [1], bytes: new Uint8Array(8).fill(1) }],
      ["y", { dtype: "BOOL", shape: [3], bytes: Uint8Array.of(1, 0, 1) }]
    ])
    // b3sum of the file that safetensors.numpy.save wrote.
    expect(ContentId.of(writeSync({ metadata: new Map([["format", "np"]]), tensors }))).toBe(
      "659e515ea2fc5406429bc0c2e95f03d3cb5d9c4911737d76f960a63f60d9856b"
    )
  })

  it("of nothing gives a header of nothing", () => {
    expect(writeSync({ metadata: noMetadata, tensors: new Map() })).toEqual(fileOf("{}      "))
  })

  it("puts the data in the order of alignment, then of names by their UTF-8 bytes, metadata first and sorted", () => {
    const names = ["b", "a", "\u{1f642}", "\uffee"]
    const tensors = new Map<string, Safetensors.Tensor>([
      ["flags", tensorOf("BOOL", [8], 0)],
      ["half", tensorOf("F16", [4], 0)],
      ["brain", tensorOf("BF16", [4], 0)],
      ...names.map((name) => [name, tensorOf("F32", [2], 0)] as const),
      ["long", tensorOf("I64", [1], 0)]
    ])
    const file = writeSync({
      metadata: new Map([
        ["z", "1"],
        ["a", "2"]
      ]),
      tensors
    })
    const header = new TextDecoder().decode(file.slice(8, file.length - 64))
    expect(Object.keys(JSON.parse(header))).toEqual([
      "__metadata__",
      "long",
      "a",
      "b",
      "\uffee",
      "\u{1f642}",
      "brain",
      "half",
      "flags"
    ])
    expect(header).toContain(
      '{"__metadata__":{"a":"2","z":"1"},"long":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}'
    )
  })

  it("does not depend on the order in which tensors and metadata were named", () => {
    fc.assert(
      fc.property(files, ({ metadata, tensors }) => {
        const reversed = { metadata: new Map([...metadata].toReversed()), tensors: new Map([...tensors].toReversed()) }
        expect(writeSync(reversed)).toEqual(writeSync({ metadata, tensors }))
      })
    )
  })

  const one = (tensor: Safetensors.Tensor, name = "t") => new Map([[name, tensor]])
  it.each([
    ["too few bytes", one({ dtype: "F32", shape: [2], bytes: new Uint8Array(7) }), /has 7 bytes and needs 8/],
    ["half a byte", one({ dtype: "F4", shape: [1], bytes: new Uint8Array(1) }), /needs a whole number/],
    ["a negative size", one({ dtype: "U8", shape: [-1], bytes: new Uint8Array(0) }), /shape \[-1\]/],
    ["a size of 1.5", one({ dtype: "U8", shape: [1.5], bytes: new Uint8Array(1) }), /shape \[1.5\]/],
    ["too many dimensions", one(tensorOf("U8", Array(tensorDimensionsMax + 1).fill(1), 0)), /more than 16 dimensions/],
    ["the reserved name", one(tensorOf("U8", [1], 0), "__metadata__"), /reserves/],
    ["half a character", one(tensorOf("U8", [1], 0), "\ud800"), /well-formed/]
  ])("refuses a tensor with %s", (_, tensors, reason) => {
    expect(Effect.runSync(Effect.flip(Safetensors.write({ metadata: noMetadata, tensors }))).message).toMatch(reason)
  })

  it("refuses metadata that is not well-formed, and a header above the limit", () => {
    const refused = (metadata: ReadonlyMap<string, string>) =>
      Effect.runSync(Effect.flip(Safetensors.write({ metadata, tensors: new Map() }))).message
    expect(refused(new Map([["a", "\udc00"]]))).toMatch(/metadata that is not well-formed/)
    const fits = "x".repeat(safetensorsHeaderBytesMax - '{"__metadata__":{"a":""}}'.length)
    expect(refused(new Map([["a", `${fits}x`]]))).toMatch(/more than the limit/)
    expect(readSync(writeSync({ metadata: new Map([["a", fits]]), tensors: new Map() })).metadata.get("a")).toBe(fits)
  })
})

describe("reading", () => {
  it("brings back what was written, every element type as its bytes", () => {
    fc.assert(
      fc.property(files, (file) => {
        const read = readSync(writeSync(file))
        expect(new Map([...read.metadata].sort())).toEqual(new Map([...file.metadata].sort()))
        expect(read.tensors.size).toBe(file.tensors.size)
        for (const [name, tensor] of file.tensors) expect(read.tensors.get(name)).toEqual(tensor)
      }),
      { numRuns: 200 }
    )
  })

  it("keeps names that mean something to JavaScript", () => {
    const tensors = new Map(["__proto__", "constructor", "toString", ""].map((name) => [name, tensorOf("U8", [1], 1)]))
    const metadata = new Map([["__proto__", "x"]])
    expect([...readSync(writeSync({ metadata, tensors })).tensors.keys()].sort()).toEqual([...tensors.keys()].sort())
    expect(readSync(writeSync({ metadata, tensors })).metadata).toEqual(metadata)
  })

  it("takes tensors in any order of the header, spaces behind it, scalars and empty tensors", () => {
    const header =
      '{"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}, "none":{"dtype":"F32","shape":[0,7],"data_offsets":[3,3]},' +
      '"a":{"shape":[3],"data_offsets":[0,3],"dtype":"I8"},"one":{"dtype":"U8","shape":[],"data_offsets":[5,6]}}   '
    const { tensors } = readSync(fileOf(header, Uint8Array.of(1, 2, 3, 4, 5, 6)))
    expect([...tensors.keys()]).toEqual(["a", "none", "b", "one"])
    expect([...tensors.values()].map(({ bytes }) => [...bytes])).toEqual([[1, 2, 3], [], [4, 5], [6]])
  })

  it("gives views of the file and copies nothing", () => {
    const file = writeSync({ metadata: noMetadata, tensors: new Map([["t", f32([1, 2], [2])]]) })
    const tensor = readSync(file).tensors.get("t")!
    expect(tensor.bytes.buffer).toBe(file.buffer)
    expect(Effect.runSync(Safetensors.toFloat32(tensor)).buffer).toBe(file.buffer)
  })

  const entry = (offsets: string, shape = "[4]", dtype = "U8") =>
    `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`
  const four = new Uint8Array(4)
  const utf8 = (...bytes: ReadonlyArray<number>) => new Uint8Array([...ascii('{"'), ...bytes, ...ascii('":1}')])
  it.each<readonly [name: string, file: Uint8Array, reason: RegExp]>([
    ["no byte", new Uint8Array(0), /has 0 bytes/],
    ["7 bytes", new Uint8Array(7), /has 7 bytes/],
    ["an empty header", fileOf(""), /does not begin with \{/],
    ["a header cut short", fileOf(`{"a":${entry("[0,4]")}}`).slice(0, 20), /ends after 20 bytes, in a header/],
    ["a header of 16 EiB", new Uint8Array(16).fill(255), /18446744073709551615 bytes, more than the limit/],
    ["a header of an array", fileOf("[]"), /does not begin with \{/],
    ["a space before the header", fileOf(" {}"), /does not begin with \{/],
    ["a byte order mark", fileOf("\ufeff{}"), /does not begin with \{/],
    ["no JSON", fileOf("{]}"), /not JSON/],
    ["two JSON texts", fileOf("{}{}"), /not JSON/],
    ["JSON with a comment", fileOf("{}//"), /not JSON/],
    ["no UTF-8", fileOf(utf8(0xff, 0xfe)), /not JSON/],
    ["overlong UTF-8", fileOf(utf8(0xc0, 0x80)), /not JSON/],
    ["a name twice", fileOf(`{"a":${entry("[0,4]")},"a":${entry("[4,8]")}}`, new Uint8Array(8)), /names "a" twice/],
    ["a name twice, once escaped", fileOf(`{"a":${entry("[0,4]")},"\\u0061":${entry("[0,4]")}}`, four), /twice/],
    [
      "a field twice",
      fileOf('{"a":{"dtype":"U8","dtype":"I8","shape":[4],"data_offsets":[0,4]}}', four),
      /"dtype" twice/
    ],
    ["metadata twice", fileOf('{"__metadata__":{},"__metadata__":{}}'), /"__metadata__" twice/],
    ["metadata that is no text", fileOf('{"__metadata__":{"a":1}}'), /not text by name/],
    ["metadata that is a list", fileOf('{"__metadata__":["a"]}'), /not text by name/],
    ["metadata that is null", fileOf('{"__metadata__":null}'), /not text by name/],
    ["nesting", fileOf(`{"a":${"[".repeat(5000)}${"]".repeat(5000)}}`), /nested 5001 deep|not JSON/],
    ["a tensor that is null", fileOf('{"a":null}'), /tensor "a" is described wrongly/],
    ["an unknown element type", fileOf(`{"a":${entry("[0,4]", "[4]", "F128")}}`, four), /described wrongly/],
    ["an element type in lower case", fileOf(`{"a":${entry("[0,4]", "[4]", "u8")}}`, four), /described wrongly/],
    ["no shape", fileOf('{"a":{"dtype":"U8","data_offsets":[0,4]}}', four), /shape/],
    ["a negative size", fileOf(`{"a":${entry("[0,4]", "[-4]")}}`, four), /described wrongly/],
    ["a fractional size", fileOf(`{"a":${entry("[0,4]", "[4.5]")}}`, four), /described wrongly/],
    ["a size in a text", fileOf(`{"a":${entry("[0,4]", '["4"]')}}`, four), /described wrongly/],
    ["17 dimensions", fileOf(`{"a":${entry("[0,1]", `[${Array(17).fill(1).join(",")}]`)}}`, four), /described wrongly/],
    [
      "a shape beyond counting",
      fileOf(`{"a":${entry("[0,4]", "[9007199254740991,9007199254740991]")}}`, four),
      /no whole/
    ],
    ["a shape that is too large", fileOf(`{"a":${entry("[0,4]", "[5]")}}`, four), /needs 5/],
    ["a shape that is too small", fileOf(`{"a":${entry("[0,4]", "[3]")}}`, four), /needs 3/],
    ["one offset", fileOf(`{"a":${entry("[0]")}}`, four), /described wrongly/],
    ["three offsets", fileOf(`{"a":${entry("[0,4,8]")}}`, four), /described wrongly/],
    ["a negative offset", fileOf(`{"a":${entry("[-4,0]")}}`, four), /described wrongly/],
    ["offsets the wrong way round", fileOf(`{"a":${entry("[4,0]")}}`, four), /has -4 bytes/],
    ["an offset beyond counting", fileOf(`{"a":${entry("[0,1e300]")}}`, four), /described wrongly|needs/],
    ["data beyond the end", fileOf(`{"a":${entry("[0,4]")}}`, new Uint8Array(3)), /describes/],
    [
      "data after the last tensor",
      fileOf(`{"a":${entry("[0,4]")}}`, new Uint8Array(5)),
      /has \d+ bytes, and its header describes/
    ],
    ["a hole at the beginning", fileOf(`{"a":${entry("[1,5]")}}`, new Uint8Array(5)), /leaves 1 bytes unused/],
    ["a hole", fileOf(`{"a":${entry("[0,4]")},"b":${entry("[5,9]")}}`, new Uint8Array(9)), /"b" leaves 1 bytes/],
    [
      "an overlap",
      fileOf(`{"a":${entry("[0,4]")},"b":${entry("[3,7]")}}`, new Uint8Array(7)),
      /"b" begins 1 bytes before/
    ],
    ["the same data twice", fileOf(`{"a":${entry("[0,4]")},"b":${entry("[0,4]")}}`, four), /begins 4 bytes before/]
  ])("refuses %s", (_, file, reason) => {
    const error = refusal(file)
    expect(error).toBeInstanceOf(SafetensorsHeader.SafetensorsMalformed)
    expect(error.message).toMatch(/^This is not a valid safetensors file: /)
    expect(error.message).toMatch(reason)
  })

  it("says briefly what is wrong with a long header", () => {
    const header = `{"${"x".repeat(100_000)}":{"dtype":"U8","shape":[${"1,".repeat(100_000)}1],"data_offsets":[0,1]}}`
    expect(refusal(fileOf(header)).message.length).toBeLessThan(1000)
  })

  it("never fails otherwise for a header with any bytes changed, cut or put in", () => {
    const file = writeSync({
      metadata: new Map([["format", "pt"]]),
      tensors: new Map([
        ["a", tensorOf("F32", [2, 2], 1)],
        ["b", tensorOf("BF16", [3], 2)]
      ])
    })
    const check = (bytes: Uint8Array) => {
      const exit = Effect.runSyncExit(Safetensors.read(bytes))
      if (Exit.isSuccess(exit)) {
        for (const { dtype, shape, bytes } of exit.value.tensors.values()) {
          expect(bytes.length).toBe(Dtype.bytesOf(dtype, shape))
        }
      } else expect(refusal(bytes)).toBeInstanceOf(SafetensorsHeader.SafetensorsMalformed)
    }
    const at = fc.nat({ max: file.length - 1 })
    fc.assert(
      fc.property(at, fc.nat({ max: 255 }), (position, byte) => {
        const changed = file.slice()
        changed[position] = byte
        check(changed)
      }),
      { numRuns: 2000 }
    )
    fc.assert(fc.property(at, (length) => void expect(refusal(file.slice(0, length))).toBeDefined()))
    const json = fc.oneof(
      fc.json({ maxDepth: 4 }),
      fc
        .dictionary(
          fc.constantFrom("a", "b", "__metadata__"),
          fc.record(
            {
              dtype: fc.constantFrom("F32", "U8", "F4", "X", 1),
              shape: fc.oneof(fc.array(fc.integer({ min: -1, max: 9 })), fc.double()),
              data_offsets: fc.array(fc.integer({ min: -1, max: 40 }), { maxLength: 3 })
            },
            { requiredKeys: [] }
          )
        )
        .map((value) => JSON.stringify(value))
    )
    fc.assert(
      fc.property(json, fc.uint8Array({ maxLength: 40 }), (header, data) => check(fileOf(header, data))),
      { numRuns: 1000 }
    )
  })
})

describe("reading only the header of a large file", () => {
  const file = writeSync({
    metadata: new Map([["base", "tiny"]]),
    tensors: new Map([
      ["large", tensorOf("F32", [100, 10], 3)],
      ["small", tensorOf("F16", [8], 4)]
    ])
  })

  it("needs the first 8 bytes to know how much, and that much to know where everything is", () => {
    const needed = Effect.runSync(SafetensorsHeader.bytesNeeded(file.slice(0, 8)))
    expect(needed).toBeLessThan(300)
    const header = Effect.runSync(SafetensorsHeader.parse(file.slice(0, needed)))
    expect(header.fileBytes).toBe(file.length)
    expect(header.metadata.get("base")).toBe("tiny")
    for (const [name, { begin, end }] of header.tensors) {
      expect(file.slice(begin, end)).toEqual(readSync(file).tensors.get(name)!.bytes)
    }
    expect(Exit.isFailure(Effect.runSyncExit(SafetensorsHeader.parse(file.slice(0, needed - 1))))).toBe(true)
  })

  it("stops at a header above the limit before reading it, and not at the limit", () => {
    const prefix = (length: number) => {
      const bytes = new Uint8Array(8)
      new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true)
      return bytes
    }
    expect(Effect.runSync(SafetensorsHeader.bytesNeeded(prefix(safetensorsHeaderBytesMax)))).toBe(
      safetensorsHeaderBytesMax + 8
    )
    const error = Effect.runSync(Effect.flip(SafetensorsHeader.bytesNeeded(prefix(safetensorsHeaderBytesMax + 1))))
    expect(error.reason).toMatch(/more than the limit/)
  })
})

describe("numbers", () => {
  it("come back exactly from F32, from F16 and BF16 when they fit, at any address", () => {
    const values = Float32Array.of(0, -0, 1, -1.5, 0.25, 65_504, 2 ** -14, 2 ** -24, Infinity, -Infinity, NaN)
    for (const dtype of ["F32", "F16"] as const) {
      for (const offset of [0, 1, 2, 3]) {
        const { bytes, ...rest } = Safetensors.fromFloat32(values, [11], dtype)
        const moved = new Uint8Array(bytes.length + offset)
        moved.set(bytes, offset)
        const tensor = { ...rest, bytes: moved.subarray(offset) }
        expect(Effect.runSync(Safetensors.toFloat32(tensor))).toEqual(values)
      }
    }
    const brain = Float32Array.of(1, -2.5, 2 ** -126, 2 ** -133, 3.3895313892515355e38)
    expect(Effect.runSync(Safetensors.toFloat32(Safetensors.fromFloat32(brain, [5], "BF16")))).toEqual(brain)
  })

  it("keep every bit of a NaN in F32", () => {
    const bits = Uint32Array.of(0x7f800001, 0xffc12345)
    const tensor = Safetensors.fromFloat32(new Float32Array(bits.buffer), [2])
    expect(tensor.bytes).toEqual(new Uint8Array(bits.buffer))
    const view = Effect.runSync(Safetensors.toFloat32(tensor))
    expect(new Uint32Array(view.buffer, view.byteOffset, 2)).toEqual(bits)
  })

  it("are rounded to nearest where they do not fit", () => {
    const rounded = (x: number, dtype: Dtype.FloatDtype) =>
      Effect.runSync(Safetensors.toFloat32(Safetensors.fromFloat32(Float32Array.of(x), [1], dtype)))[0]
    expect(rounded(2049, "F16")).toBe(2048)
    expect(rounded(2051, "F16")).toBe(2052)
    expect(rounded(65_520, "F16")).toBe(Infinity)
    expect(rounded(65_519, "F16")).toBe(65_504)
    expect(rounded(257, "BF16")).toBe(256)
    expect(rounded(259, "BF16")).toBe(260)
  })

  it("are copied into a tensor, and fill its shape", () => {
    const values = Float32Array.of(1, 2, 3, 4)
    const tensor = Safetensors.fromFloat32(values.subarray(1, 3), [2, 1])
    values.fill(0)
    expect([...Effect.runSync(Safetensors.toFloat32(tensor))]).toEqual([2, 3])
    expect(() => Safetensors.fromFloat32(values, [3])).toThrow(RangeError)
    expect(() => Safetensors.fromFloat32(values, [])).toThrow(/4 numbers do not fill \[\]/)
  })

  it("are refused for other element types, by name", () => {
    for (const dtype of Dtype.Dtype.literals) {
      if (Dtype.isFloat(dtype)) continue
      const error = Effect.runSync(Effect.flip(Safetensors.toFloat32(tensorOf(dtype, [8], 0))))
      expect(error.message).toBe(`Tensors of ${dtype} are read as bytes only. Convert them to F32, F16 or BF16 first`)
    }
  })
})
