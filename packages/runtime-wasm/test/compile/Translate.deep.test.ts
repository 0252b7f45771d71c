/**
 * The compiler against the interpreter at length: every operation of `Builtins` on many arguments, and random programs.
 */
import * as AssemblyScript from "@continuum/runtime-wasm/compile/AssemblyScript"
import * as Builtins from "@continuum/runtime-wasm/compile/Builtins"
import * as Source from "@continuum/runtime-wasm/compile/Source"
import * as ValueType from "@continuum/runtime-wasm/compile/ValueType"
import * as Manifest from "@continuum/runtime-wasm/Manifest"
import { Sandbox, layer as sandboxLayer } from "@continuum/runtime-wasm/sandbox/Sandbox"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { run } from "../support/QuickJs.ts"
import { program, randomOf } from "../support/RandomPrograms.ts"

const special = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  NaN,
  Infinity,
  -Infinity,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  2 ** 52 + 0.5,
  1e21
]
const extreme = [
  5e-324,
  Number.MAX_VALUE,
  0.49999999999999994,
  -0.49999999999999994,
  Math.PI,
  2147483648.5,
  -2147483649
]

const numbers = (seed: number, count: number): ReadonlyArray<number> => {
  const random = randomOf(seed)
  const bits = new DataView(new ArrayBuffer(8))
  const kinds = [
    () => random() * 10,
    () => (random() - 0.5) * 1000,
    () => (random() - 0.5) * 2 ** Math.floor(random() * 60 - 30),
    () => Math.floor(random() * 1e6) - 5e5,
    () => {
      bits.setUint32(0, random() * 2 ** 32)
      bits.setUint32(4, random() * 2 ** 32)
      return bits.getFloat64(0)
    }
  ]
  return [...special, ...extreme, ...Array.from({ length: count }, (_, index) => kinds[index % kinds.length]!())]
}

const operators = ["+", "-", "*", "/", "%", "|", "&", "^", "<<", ">>", ">>>"].map(
  (operator) => [`x ${operator} y`, 2] as const
)
const functions = [...Builtins.math].map(
  ([
    name,
    {
      arguments: { length }
    }
  ]) => [`Math.${name}(${length === 1 ? "x" : "x, y"})`, length] as const
)

describe("Builtins", () => {
  for (const [expression, count] of [...operators, ...functions, ["x ** 2", 1], ["~x", 1]] as const) {
    it(`gives the same bits for ${expression} as QuickJS does`, async () => {
      const source = `(${count === 1 ? "x" : "x, y"}) => ${expression}`
      const { main } = Source.parseUnsafe(source)
      const { bytes } = await AssemblyScript.compile(main, Array<ValueType.ValueType>(count).fill("f64"), "f64")
      const { exports } = await WebAssembly.instantiate(bytes).then(({ instance }) => instance)
      const compiled = exports["run"] as (...args: ReadonlyArray<number>) => number
      for (let seed = 1; seed <= 10; seed++) {
        const xs = numbers(seed, 4000)
        const inputs = xs.map((x, index) => (count === 1 ? [x] : [x, xs[(index * 7 + seed) % xs.length]!]))
        const outcome = run(`(list) => list.map((args) => (${source})(...args))`, inputs, {
          fuelMax: 50_000_000_000,
          outputCharactersMax: 10_000_000
        })
        assert.isTrue("output" in outcome, JSON.stringify(outcome))
        const expected = (outcome as { readonly output: ReadonlyArray<number> }).output
        for (const [index, input] of inputs.entries()) {
          assert.isTrue(
            Object.is(compiled(...input), expected[index]),
            `${expression} for ${input.join()}: seed ${seed}`
          )
        }
      }
    })
  }
})

layer(sandboxLayer, { excludeTestServices: true })("Translate", (it) => {
  it.effect(
    "never gives another answer than the interpreter, on random programs",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox
        let compiled = 0
        for (let seed = 1; seed <= 150; seed++) {
          const { sample, source } = program(seed)
          const { manifest } = Manifest.readUnsafe(yield* sandbox.compile("js", source, ValueType.of(sample)))
          assert.notMatch(manifest.reason ?? "", /differs|asc:/, `seed ${seed}: ${source}`)
          if (manifest.engine === "wasm") compiled++
        }
        assert.isAbove(compiled, 75)
      }),
    600_000
  )
})
