import * as Codec from "@continuum/core/Codec"
import * as ContentId from "@continuum/core/ContentId"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import { ModuleMalformed, ModuleRefused } from "../src/JitError.ts"
import { functionSourceBytesMax, manifestBytesMax } from "../src/Limits.ts"
import * as Manifest from "../src/Manifest.ts"
import { Writer } from "../src/rewrite/Writer.ts"
import { assemble } from "./support/Assemble.ts"

const source = "(input) => input * 2 // é"
const double = assemble('(module (func (export "run") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 2))))')
const raw = assemble(`(module (memory (export "memory") 1) (func (export "alloc") (param i32) (result i32) unreachable)
  (func (export "run") (param i32 i32) (result i64) unreachable))`)

const scalar: Manifest.Manifest = {
  format: 1,
  engine: "wasm",
  abi: "scalar1",
  lang: "js",
  entry: "run",
  params: ["f64"],
  result: "f64",
  signature: "(f64) => f64",
  source: ContentId.of(source),
  compiler: "asc 0.28.20",
  tested: 40,
  name: "double",
  version: "1.2.3"
}

const interpreted: Manifest.Manifest = {
  format: 1,
  engine: "quickjs",
  abi: "raw1",
  lang: "js",
  signature: "(any) => any",
  source: ContentId.of(source),
  compiler: "quickjs",
  tested: 0,
  reason: "closures are not compiled"
}

const reason = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    if (error instanceof ModuleMalformed || error instanceof ModuleRefused) return error.reason
    throw error
  }
  return "accepted"
}

const withCustom = (module: Uint8Array, name: string, content: Uint8Array): Uint8Array => {
  const section = new Writer()
  section.name(name)
  section.slice(content)
  const out = new Writer()
  out.slice(module)
  out.u8(0)
  out.u32(section.length)
  out.writer(section)
  return out.toBytes()
}

/** A module with this in the place of its manifest, whatever it is. */
const withManifest = (value: unknown, module: Uint8Array = double): Uint8Array =>
  withCustom(module, Manifest.manifestSection, Codec.encode(value))

describe("Manifest", () => {
  it.effect("is read from the file as it was attached, and the file stays a valid module", () =>
    Effect.gen(function* () {
      const file = yield* Manifest.attach(double, scalar, source)
      expect(WebAssembly.validate(file)).toBe(true)
      expect(yield* Manifest.read(file)).toEqual({ manifest: scalar, source })
      const alone = yield* Manifest.attach(double, scalar)
      expect(yield* Manifest.read(alone)).toEqual({ manifest: scalar })
      const { name: _, version: __, ...unnamed } = scalar
      expect((yield* Manifest.read(yield* Manifest.attach(double, unnamed))).manifest).toEqual(unnamed)
    })
  )

  it("replaces what was attached before, and gives the same bytes for the same manifest", () => {
    const file = Manifest.attachUnsafe(double, scalar, source)
    const renamed = Manifest.attachUnsafe(file, { ...scalar, name: "twice" })
    expect(Manifest.readUnsafe(renamed)).toEqual({ manifest: { ...scalar, name: "twice" } })
    expect(Manifest.attachUnsafe(renamed, scalar, source)).toEqual(file)
    const shifted = new Uint8Array(file.length + 20)
    shifted.set(file, 11)
    expect(Manifest.attachUnsafe(shifted.subarray(11, 11 + file.length), scalar, source)).toEqual(file)
  })

  it.effect("holds the source of a function that runs on QuickJS, and no code", () =>
    Effect.gen(function* () {
      const file = yield* Manifest.quickJs(source, interpreted)
      expect(WebAssembly.validate(file)).toBe(true)
      expect(yield* Manifest.read(file)).toEqual({ manifest: interpreted, source })
      expect(reason(() => Manifest.attachUnsafe(assemble("(module)"), interpreted))).toContain("it holds no source")
      expect(reason(() => Manifest.attachUnsafe(double, interpreted, source))).toContain(
        "it holds WebAssembly code besides"
      )
      const other = yield* Effect.flip(Manifest.quickJs("() => 1", interpreted))
      expect(other).toEqual(new ModuleMalformed({ reason: "its source is not the one that its manifest names" }))
    })
  )

  it("fits the exports of the module, or is refused", () => {
    const fits = (module: Uint8Array, change: Partial<Manifest.Manifest>) =>
      reason(() => Manifest.attachUnsafe(module, { ...scalar, ...change }))
    expect(fits(double, {})).toBe("accepted")
    for (const change of [
      { entry: "main" },
      { params: ["i32"] },
      { params: ["f64", "f64"] },
      { result: "bool" }
    ] as const) {
      expect(fits(double, change)).toContain("its manifest says ABI scalar1, and it does not export a function")
    }
    const { entry: _, ...nameless } = scalar
    expect(reason(() => Manifest.attachUnsafe(double, nameless))).toContain("does not export a function")
    const bool = assemble('(module (func (export "run") (param i32) (result i32) (local.get 0)))')
    expect(fits(bool, { params: ["bool"], result: "bool" })).toBe("accepted")
    expect(fits(bool, { params: ["i32"], result: "bool" })).toBe("accepted")
    expect(fits(raw, { abi: "raw1" })).toBe("accepted")
    expect(fits(double, { abi: "raw1" })).toContain("its manifest says ABI raw1")
    // The same lie in a file that a peer made.
    expect(reason(() => Manifest.readUnsafe(withManifest({ ...scalar, params: ["i64"] })))).toContain(
      "says ABI scalar1"
    )
    expect(reason(() => Manifest.readUnsafe(withManifest({ ...scalar, abi: "raw1" })))).toContain("says ABI raw1")
  })

  it("is decoded by its schema, and refused with the reason", () => {
    expect(Manifest.readUnsafe(withManifest(scalar)).manifest).toEqual(scalar)
    const changes: ReadonlyArray<Record<string, unknown>> = [
      { format: 2 },
      { engine: "native" },
      { abi: "raw2" },
      { params: ["string"] },
      { source: "abc" },
      { tested: -1 },
      { tested: 0.5 },
      { lang: 1 },
      { signature: null }
    ]
    for (const change of changes) {
      expect(reason(() => Manifest.readUnsafe(withManifest({ ...scalar, ...change })))).toContain(
        `its manifest does not fit`
      )
    }
    expect(reason(() => Manifest.readUnsafe(withManifest(null)))).toContain("its manifest does not fit")
    const bytes = withCustom(double, Manifest.manifestSection, Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff))
    expect(reason(() => Manifest.readUnsafe(bytes))).toContain("its manifest is not MessagePack")
    expect(reason(() => Manifest.readUnsafe(double))).toBe('it has no manifest (custom section "continuum")')
    const twice = withCustom(withManifest(scalar), Manifest.manifestSection, Codec.encode(scalar))
    expect(reason(() => Manifest.readUnsafe(twice))).toBe('it has 2 sections "continuum"')
    const invalid = withCustom(withManifest(scalar), Manifest.sourceSection, Uint8Array.of(0xff))
    expect(reason(() => Manifest.readUnsafe(invalid))).toBe("its source is not UTF-8")
  })

  it("has limits of size, and accepts them", () => {
    const long = (length: number) => ({ ...scalar, compiler: "x".repeat(length) })
    const room = manifestBytesMax - Codec.encode(long(1000)).length + 1000
    expect(reason(() => Manifest.attachUnsafe(double, long(room)))).toBe("accepted")
    expect(reason(() => Manifest.attachUnsafe(double, long(room + 1)))).toContain("its manifest has")
    expect(reason(() => Manifest.readUnsafe(withManifest(long(room))))).toBe("accepted")
    expect(reason(() => Manifest.readUnsafe(withManifest(long(room + 1))))).toContain(
      "65537 bytes, and 65536 are allowed"
    )
    const sourced = (length: number) => {
      const text = "x".repeat(length)
      return Manifest.quickJsUnsafe(text, { ...interpreted, source: ContentId.of(text) })
    }
    expect(reason(() => sourced(functionSourceBytesMax))).toBe("accepted")
    expect(reason(() => sourced(functionSourceBytesMax + 1))).toContain("its source has")
  })

  it("is read or refused from any bytes, never anything else", () => {
    const file = Manifest.attachUnsafe(double, scalar, source)
    const changes = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(changes, (changes) => {
        const bytes = file.slice()
        for (const [at, value] of changes) bytes[at] = value
        expect(typeof reason(() => Manifest.readUnsafe(bytes))).toBe("string")
      }),
      { numRuns: 2000 }
    )
  })

  it.effect("is inferred for a module without one: raw1 from its three exports, scalar1 from its function", () =>
    Effect.gen(function* () {
      expect(yield* Manifest.infer(double)).toEqual({
        abi: "scalar1",
        entry: "run",
        params: ["f64"],
        result: "f64",
        signature: "(f64) => f64"
      })
      expect(yield* Manifest.infer(raw)).toEqual({ abi: "raw1", signature: "(any) => any" })
      const infer = (text: string) => Manifest.inferUnsafe(assemble(text))
      expect(
        infer(
          '(module (memory (export "memory") 1) (func (export "add") (param i32 i64 f32) (result i32) unreachable))'
        )
      ).toEqual({
        abi: "scalar1",
        entry: "add",
        params: ["i32", "i64", "f32"],
        result: "i32",
        signature: "(i32, i64, f32) => i32"
      })
      expect(infer('(module (func (export "a")) (func (export "run") (result i64) unreachable))').entry).toBe("run")
    })
  )

  it("is not inferred for exports that no ABI fits, and the reason says what would", () => {
    const infer = (text: string) => reason(() => Manifest.inferUnsafe(assemble(text)))
    expect(infer("(module (func))")).toBe(
      'it exports no function. Export one function of numbers, or "memory", "alloc" and "run" (ABI raw1)'
    )
    expect(infer('(module (func (export "a")) (func (export "b")))')).toContain(
      "it exports 2 functions and none is named"
    )
    expect(infer('(module (func (export "a")))')).toBe(
      'its function "a" is () => (): it must take numbers (i32, i64, f32, f64) and return one'
    )
    expect(infer('(module (func (export "a") (param externref) (result i32) unreachable))')).toContain(
      "(externref) => (i32)"
    )
    expect(infer('(module (func (export "a") (result i32 i32) unreachable))')).toContain("() => (i32, i32)")
    expect(infer('(module (func (export "a") (param v128) (result i32) unreachable))')).toContain("(v128) => (i32)")
    const almost = `(module (func (export "alloc") (param i32) (result i32) unreachable)
      (func (export "run") (param i32 i32) (result i64) unreachable))`
    expect(Manifest.inferUnsafe(assemble(almost)).abi).toBe("scalar1")
  })

  it("tells a person how the module came to be", () => {
    expect(Manifest.report(scalar)).toEqual({ tier: "wasm", abi: "scalar1", signature: "(f64) => f64", tested: 40 })
    expect(Manifest.report(interpreted)).toEqual({
      tier: "quickjs",
      abi: "raw1",
      signature: "(any) => any",
      tested: 0,
      reason: "closures are not compiled"
    })
  })
})
