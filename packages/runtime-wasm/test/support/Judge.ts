/** Runs a program as metered WebAssembly and in the interpreter, and compares result, fuel and the edge of exhaustion. */
import * as Fuel from "@continuum/runtime-wasm/rewrite/Fuel"
import * as Rewrite from "@continuum/runtime-wasm/rewrite/Rewrite"
import { expect } from "@effect/vitest"
import * as Programs from "./Programs.ts"

const budget = 4000

interface Run {
  readonly end: "value" | "trap" | "exhausted"
  readonly value: number
  readonly fuel: number
}

/** The metered program, as a function of its arguments and its fuel. */
const load = (program: Programs.Program) => {
  const plain = Programs.encode(program)
  expect(WebAssembly.validate(plain)).toBe(true)
  const instance = new WebAssembly.Instance(new WebAssembly.Module(Rewrite.rewriteUnsafe(plain).bytes))
  const fuel = instance.exports[Fuel.fuelExport] as WebAssembly.Global<"i64">
  const entry = instance.exports["run"] as (left: number, right: number) => number
  return (left: number, right: number, fuelMax: number): Run => {
    fuel.value = BigInt(fuelMax)
    let value: number | undefined
    try {
      value = entry(left, right)
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error
    }
    const end = fuel.value < 0n ? "exhausted" : value === undefined ? "trap" : "value"
    return { end, value: value ?? 0, fuel: fuelMax - Number(fuel.value) }
  }
}

/** Checks one program against the interpreter; says what it was, so that a test can see that all kinds occurred. */
export const judge = (program: Programs.Program, left: number, right: number): string => {
  const run = load(program)
  const meaning = Programs.interpret(program, left, right, budget)
  const metered = run(left, right, budget)
  switch (meaning.kind) {
    case "value":
      expect(metered).toEqual({ end: "value", value: meaning.value, fuel: meaning.fuel })
      // One unit less is not enough, on whichever instruction the last check stands.
      expect(run(left, right, meaning.fuel).end).toBe("value")
      expect(run(left, right, meaning.fuel - 1).end).toBe("exhausted")
      break
    case "trap":
      // What would have come after the trap may have been charged already; never less than what was executed.
      expect(metered.fuel).toBeGreaterThanOrEqual(meaning.fuel)
      expect(metered.end).not.toBe("value")
      break
    case "over":
      expect(metered.end).toBe("exhausted")
  }
  return meaning.kind
}
