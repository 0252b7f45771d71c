import * as Codec from "@continuum/core/Codec"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import * as MeteredInstance from "../../src/abi/MeteredInstance.ts"
import * as Raw1 from "../../src/abi/Raw1.ts"
import { FuelExhausted, InputMalformed, ModuleMalformed, RunFailed } from "../../src/JitError.ts"
import { payloadBytesMax } from "../../src/Limits.ts"
import * as Rewrite from "../../src/rewrite/Rewrite.ts"
import { assemble } from "../support/Assemble.ts"

const fuelMax = 10_000_000

const load = (text: string): MeteredInstance.MeteredInstance =>
  MeteredInstance.instantiateUnsafe(MeteredInstance.compileUnsafe(Rewrite.rewriteUnsafe(assemble(text)).bytes))

/** A module whose `alloc` and `run` have these bodies. */
const raw = (alloc: string, run: string, memory = '(memory (export "memory") 1 40)'): string => `(module ${memory}
  (func (export "alloc") (param $n i32) (result i32) ${alloc})
  (func (export "run") (param $at i32) (param $n i32) (result i64) ${run}))`

const packed = (address: string, length: string): string =>
  `(i64.or (i64.shl (i64.extend_i32_u ${address}) (i64.const 32)) (i64.extend_i32_u ${length}))`

const bump = `(drop (memory.grow (i32.add (i32.shr_u (local.get $n) (i32.const 16)) (i32.const 1))))
  (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.shl (i32.add (i32.shr_u (local.get $n) (i32.const 16)) (i32.const 1)) (i32.const 16)))`
const echo = raw("(i32.const 16)", packed("(local.get $at)", "(local.get $n)"))

const reasonOf = (text: string, input: unknown = 1): string => {
  try {
    Raw1.runUnsafe(load(text), input, fuelMax)
  } catch (error) {
    if (error instanceof RunFailed) return error.reason
    throw error
  }
  return "accepted"
}

/** A module that returns these bytes whatever it is given. */
const answering = (bytes: Uint8Array): string =>
  raw(
    "(i32.const 1024)",
    packed("(i32.const 8)", `(i32.const ${bytes.length})`),
    `(memory (export "memory") 1) (data (i32.const 8) "${Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("")}")`
  )

describe("Raw1", () => {
  it("brings plain data to the module and back as it was", () => {
    const instance = load(echo)
    // JSON text has no -0, and MessagePack none either; `__proto__` is a key that Codec renames.
    const plain = fc
      .json({ maxDepth: 4 })
      .filter((text) => text.length < 30_000 && !text.includes("__proto__"))
      .map((text) => JSON.parse(text) as unknown)
    fc.assert(
      fc.property(plain, (value) => {
        expect(Raw1.runUnsafe(instance, value, fuelMax)).toEqual(value)
      })
    )
    expect(Raw1.runUnsafe(instance, { n: Number.NaN, i: Infinity, b: Uint8Array.of(1, 2) }, fuelMax)).toEqual({
      n: Number.NaN,
      i: Infinity,
      b: Uint8Array.of(1, 2)
    })
  })

  it("looks at the memory as it is after the module grew it", () => {
    const text = "x".repeat(200_000)
    expect(Raw1.runUnsafe(load(raw(bump, packed("(local.get $at)", "(local.get $n)"))), text, 100_000_000)).toBe(text)
  })

  it("believes no address and no length", () => {
    const ok = packed("(local.get $at)", "(local.get $n)")
    expect(reasonOf(raw("(i32.const 65535)", ok))).toBe("accepted")
    expect(reasonOf(raw("(i32.const 65536)", ok))).toBe('"alloc" returned 1 bytes at 65536, and its memory has 65536')
    expect(reasonOf(raw("(i32.const -1)", ok))).toContain('"alloc" returned 1 bytes at 4294967295')
    expect(reasonOf(raw("(i32.const 0)", ok))).toBe("it has no memory for an input of 1 bytes")
    const at = (address: number, length: number) =>
      raw("(i32.const 16)", packed(`(i32.const ${address})`, `(i32.const ${length})`))
    expect(reasonOf(at(16, 1))).toBe("accepted")
    expect(reasonOf(at(65535, 2))).toBe('"run" returned 2 bytes at 65535, and its memory has 65536')
    expect(reasonOf(at(-1, 1))).toContain('"run" returned 1 bytes at 4294967295')
    expect(reasonOf(at(16, -1))).toBe(`its output has 4294967295 bytes, and ${payloadBytesMax} are allowed`)
    expect(reasonOf(at(16, 0))).toContain("its output is not MessagePack")
  })

  it("accepts an output at the limit of bytes and none above", () => {
    const memory = '(memory (export "memory") 20)'
    const long = (bytes: number) =>
      raw(
        "(i32.const 8)",
        `(i32.store8 (i32.const 16) (i32.const 0xc6)) (i32.store8 (i32.const 18) (i32.const ${(bytes - 5) >> 16}))
         (i32.store8 (i32.const 19) (i32.const ${((bytes - 5) >> 8) & 255})) (i32.store8 (i32.const 20) (i32.const ${(bytes - 5) & 255}))
         ${packed("(i32.const 16)", `(i32.const ${bytes})`)}`,
        memory
      )
    expect((Raw1.runUnsafe(load(long(payloadBytesMax)), 1, fuelMax) as Uint8Array).length).toBe(payloadBytesMax - 5)
    expect(reasonOf(long(payloadBytesMax + 1))).toContain(`${payloadBytesMax + 1} bytes`)
  })

  it("decodes no output that lies about itself, or that is more than plain data", () => {
    const cases: ReadonlyArray<readonly [bytes: ReadonlyArray<number>, reason: string]> = [
      [[0xdd, 0xff, 0xff, 0xff, 0xff], "it is not"],
      [[0xc1], "not MessagePack"],
      [[0x92, 0x01], "not MessagePack"],
      [[0x01, 0x02], "not MessagePack"],
      [[0xd4, 0x00, 0x00], "no plain data: it holds a value of type undefined"],
      [[0xd6, 0xff, 0, 0, 0, 0], "no plain data: it holds an object of a class"],
      [[0xc7, 0x02, 0x74, 0x05, 0x01], "no"],
      [Array.from({ length: 200 }, () => 0x91), "nested deeper"]
    ]
    for (const [bytes] of cases) expect(reasonOf(answering(Uint8Array.from(bytes)))).toMatch(/^its output is (not|no) /)
    for (const [bytes, reason] of cases.slice(1)) expect(reasonOf(answering(Uint8Array.from(bytes)))).toContain(reason)
    expect(reasonOf(answering(Codec.encode({ a: [1] })))).toBe("accepted")
  })

  it("refuses an input that is no plain data or too large, before it runs anything", () => {
    const instance = load(echo)
    const refused = (input: unknown) => {
      expect(() => Raw1.runUnsafe(instance, input, fuelMax)).toThrow(InputMalformed)
      expect(instance.state).toBe("new")
    }
    for (const input of [undefined, () => 1, new Date(0), [new Map()], 2n ** 70n, "x".repeat(payloadBytesMax)])
      refused(input)
  })

  it.effect("fails with typed errors, also for a module of another ABI or of other types", () =>
    Effect.gen(function* () {
      const failure = (text: string, fuel = fuelMax) => Effect.flip(Raw1.run(load(text), 1, fuel))
      expect(yield* Raw1.run(load(echo), [1, 2], fuelMax)).toEqual([1, 2])
      expect(yield* failure('(module (func (export "run")))')).toBeInstanceOf(ModuleMalformed)
      expect(yield* failure(echo.replace('"memory"', '"other"'))).toBeInstanceOf(ModuleMalformed)
      expect(
        yield* failure(
          '(module (memory (export "memory") 1) (func (export "alloc") (result i64) (i64.const 1)) (func (export "run")))'
        )
      ).toBeInstanceOf(ModuleMalformed)
      expect(
        yield* failure(
          '(module (memory (export "memory") 1) (func (export "alloc") (result i32) (i32.const 1)) (func (export "run") (result i32) (i32.const 1)))'
        )
      ).toBeInstanceOf(ModuleMalformed)
      expect(yield* failure(raw("(loop $l (br $l)) unreachable", "unreachable"))).toBeInstanceOf(FuelExhausted)
      expect(yield* failure(raw("(i32.const 8)", "unreachable"))).toBeInstanceOf(RunFailed)
    })
  )
})
