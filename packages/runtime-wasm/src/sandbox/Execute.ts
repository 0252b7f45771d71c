/**
 * One run of a metered module: a new instance, the input in, the output out, by the ABI of its manifest. Used in the
 * node's own thread and in a child alike. Synchronous; ends when the fuel does.
 */
import * as MeteredInstance from "../abi/MeteredInstance.ts"
import * as Raw1 from "../abi/Raw1.ts"
import * as Scalar1 from "../abi/Scalar1.ts"
import {
  FuelExhausted,
  InputMalformed,
  MemoryExceeded,
  ModuleMalformed,
  RunFailed,
  type RunError
} from "../JitError.ts"
import type { Manifest } from "../Manifest.ts"

/** What a run came to: its output or its error, and the fuel that it used in either case. */
export type Outcome =
  | { readonly fuel: number; readonly output: unknown }
  | { readonly fuel: number; readonly error: RunError }

/** Runs a module. Never throws what the module or its input is to blame for. */
export const execute = (module: WebAssembly.Module, manifest: Manifest, input: unknown, fuelMax: number): Outcome => {
  let instance: MeteredInstance.MeteredInstance | undefined
  try {
    instance = MeteredInstance.instantiateUnsafe(module)
    const output =
      manifest.abi === "scalar1"
        ? runScalar(instance, manifest, input, fuelMax)
        : Raw1.runUnsafe(instance, input, fuelMax)
    return { fuel: MeteredInstance.fuelUsed(instance), output }
  } catch (error) {
    if (!isRunError(error)) throw error
    // Near its end a run may have been charged for what it did not get to execute.
    const used = instance === undefined || instance.state === "new" ? 0 : MeteredInstance.fuelUsed(instance)
    return { fuel: Math.min(used, fuelMax), error }
  }
}

const runScalar = (
  instance: MeteredInstance.MeteredInstance,
  manifest: Manifest,
  input: unknown,
  fuelMax: number
): unknown => {
  const { entry, params, result } = manifest
  if (entry === undefined || params === undefined || result === undefined) {
    throw new ModuleMalformed({ reason: "its manifest names no function" })
  }
  // A JavaScript function without parameters takes any input, and does not see it.
  const values = manifest.lang === "js" && params.length === 0 ? [] : input
  return Scalar1.runUnsafe(instance, { entry, params, result }, values, fuelMax)
}

const isRunError = (error: unknown): error is RunError =>
  error instanceof RunFailed ||
  error instanceof InputMalformed ||
  error instanceof FuelExhausted ||
  error instanceof MemoryExceeded ||
  error instanceof ModuleMalformed

/**
 * Whether a compiled JavaScript function may be given this input: what an ABI would convert (the text "NaN" to a number)
 * or cannot carry (half of a surrogate pair, -0 in MessagePack) is for the interpreter.
 */
export const covers = (manifest: Manifest, input: unknown): boolean => {
  if (manifest.abi === "raw1") return survivesMessagePack(input)
  const params = manifest.params ?? []
  const fits = (type: Scalar1.Scalar, value: unknown) => typeof value === (type === "bool" ? "boolean" : "number")
  if (params.length === 0) return true
  if (params.length === 1) return fits(params[0]!, input)
  return (
    Array.isArray(input) && input.length === params.length && params.every((type, index) => fits(type, input[index]))
  )
}

const survivesMessagePack = (value: unknown): boolean => {
  switch (typeof value) {
    case "number":
      return !Object.is(value, -0)
    case "string":
      return value.isWellFormed()
    case "boolean":
      return true
    default:
      return Array.isArray(value) && value.every(survivesMessagePack)
  }
}
