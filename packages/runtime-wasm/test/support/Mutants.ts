/** Valid modules with bytes changed, put in, taken out or swapped: nearly modules, which is what a parser breaks on. */
import { ModuleMalformed, ModuleRefused } from "@continuum/runtime-wasm/JitError"
import * as Wat from "@continuum/runtime-wasm/compile/Wat"
import * as Rewrite from "@continuum/runtime-wasm/rewrite/Rewrite"
import fc from "fast-check"
import { assemble } from "./Assemble.ts"
import { instructions, moduleWith } from "./Instructions.ts"
import * as Programs from "./Programs.ts"
import { smallModules } from "./SmallModules.ts"

const corpus: ReadonlyArray<Uint8Array> = [
  ...(await Promise.all(smallModules.map(({ text }) => Wat.assembleUnsafe(text)))),
  ...instructions.filter((_, at) => at % 9 === 0).map((text) => assemble(moduleWith(text))),
  ...fc.sample(Programs.program, { seed: 1, numRuns: 30 }).map(Programs.encode)
]

/** Bytes that mean something in many places. */
const telling = [
  0, 1, 2, 3, 4, 5, 0x0b, 0x0c, 0x0d, 0x10, 0x20, 0x23, 0x24, 0x40, 0x60, 0x6f, 0x70, 0x7b, 0x7c, 0x7d, 0x7e, 0x7f,
  0x80, 0xff
]

type Mutation = readonly [kind: "set" | "insert" | "remove" | "copy", at: number, value: number]

const mutation: fc.Arbitrary<Mutation> = fc.tuple(
  fc.constantFrom("set", "set", "set", "insert", "remove", "copy"),
  fc.nat(100_000),
  fc.oneof(fc.constantFrom(...telling), fc.nat(255))
)

const mutate = (bytes: Uint8Array, mutations: ReadonlyArray<Mutation>): Uint8Array<ArrayBuffer> => {
  const mutant = Array.from(bytes)
  for (const [kind, place, value] of mutations) {
    const at = 8 + (place % Math.max(1, mutant.length - 8))
    if (kind === "set") mutant[at] = value
    else if (kind === "insert") mutant.splice(at, 0, value)
    else if (kind === "remove") mutant.splice(at, 1)
    else mutant[at] = mutant[8 + ((place + value) % Math.max(1, mutant.length - 8))] ?? 0
  }
  return Uint8Array.from(mutant)
}

export const mutants: fc.Arbitrary<Uint8Array<ArrayBuffer>> = fc
  .tuple(fc.constantFrom(...corpus), fc.array(mutation, { minLength: 1, maxLength: 3 }))
  .map(([bytes, mutations]) => mutate(bytes, mutations))

/** What JavaScriptCore lets pass in code that cannot be reached, against the specification. */
const lenient = /^there is (no label|an else without an if)/

/**
 * Whether a module that was rewritten is valid; `undefined` when it was refused. Throws when it should have been otherwise.
 * `exact`: whether the engine's own validation is that of the specification.
 */
export const rewriteMutant = (bytes: Uint8Array<ArrayBuffer>, exact: boolean): boolean | undefined => {
  const before = WebAssembly.validate(bytes)
  try {
    const after = WebAssembly.validate(Rewrite.rewriteUnsafe(bytes, { imports: "any" }).bytes)
    if (before === after) return after
    throw new Error(`${before ? "a valid" : "an invalid"} module became ${after ? "valid" : "invalid"}`)
  } catch (error) {
    if (error instanceof ModuleMalformed && before && (exact || !lenient.test(error.reason))) {
      throw new Error(`a valid module was called malformed: ${error.reason}`, { cause: error })
    }
    if (error instanceof ModuleMalformed || error instanceof ModuleRefused) return undefined
    throw error
  }
}
