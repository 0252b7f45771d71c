/**
 * The host's side of a rewritten module: gives it fuel, calls it, and tells why a call ended.
 *
 * A run that leaves less than nothing is `FuelExhausted`, however it ended. After a failure the module's memory may be
 * half written, so the instance refuses to go on. Reasons of traps are in words of our own, the same on every engine.
 * It does not stop a call that is under way: that takes fuel, or a process that can be killed.
 */
import { FuelExhausted, InputMalformed, MemoryExceeded, ModuleMalformed, RunFailed } from "../JitError.ts"
import { fuelExport, startExport } from "../rewrite/Fuel.ts"

/** A rewritten module that can be run, one run after the other. */
export class MeteredInstance {
  readonly exports: WebAssembly.Exports
  /** What is left; below zero when it was not enough. */
  readonly fuel: WebAssembly.Global<"i64">
  /** Fuel that the run at hand was given. */
  fuelMax = 0
  /** `new`: nothing of the module has run. `failed`: a run ended in an error, and no other may follow. */
  state: "new" | "ready" | "failed" = "new"

  constructor(instance: WebAssembly.Instance, fuel: WebAssembly.Global<"i64">) {
    this.exports = instance.exports
    this.fuel = fuel
  }
}

/** Fuel is handled as a number by hosts, so that it must stay exact as one. */
const fuelLimit = Number.MAX_SAFE_INTEGER

/** Compiles a rewritten module. Throws `ModuleMalformed` when the engine does not accept it. */
export const compileUnsafe = (bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module => {
  try {
    return new WebAssembly.Module(bytes)
  } catch (error) {
    throw new ModuleMalformed({ reason: messageOf(error) })
  }
}

/** An instance that has run nothing yet. Throws `ModuleMalformed`, or `RunFailed` when the engine has no memory for it. */
export const instantiateUnsafe = (module: WebAssembly.Module, imports: WebAssembly.Imports = {}): MeteredInstance => {
  const instance = instantiate(module, imports)
  const fuel = instance.exports[fuelExport]
  if (!(fuel instanceof WebAssembly.Global)) {
    throw new ModuleMalformed({ reason: "it is not metered; pass it through Rewrite.rewrite first" })
  }
  return new MeteredInstance(instance, fuel as WebAssembly.Global<"i64">)
}

const instantiate = (module: WebAssembly.Module, imports: WebAssembly.Imports): WebAssembly.Instance => {
  try {
    return new WebAssembly.Instance(module, imports)
  } catch (error) {
    if (error instanceof RangeError)
      throw new RunFailed({ reason: `the engine has no memory for it: ${error.message}` })
    throw new ModuleMalformed({ reason: messageOf(error) })
  }
}

/**
 * Begins a run with `fuelMax` units, 1 to 2^53 - 1. The first one also runs the module's start function.
 * Throws what `call` throws.
 */
export const begin = (instance: MeteredInstance, fuelMax: number): void => {
  if (!(fuelMax >= 1 && fuelMax <= fuelLimit)) throw new RangeError(`Fuel must be 1 to ${fuelLimit}, not ${fuelMax}`)
  if (instance.state === "failed") {
    throw new RunFailed({ reason: "this instance failed before and must not be used again" })
  }
  instance.fuelMax = Math.floor(fuelMax)
  instance.fuel.value = BigInt(instance.fuelMax)
  if (instance.state === "ready") return
  instance.state = "ready"
  const start = instance.exports[startExport]
  if (typeof start === "function") call(instance, () => start())
}

/**
 * Runs `body`, which calls exports of the module. Throws `FuelExhausted`, or `RunFailed` for a trap, an overflow of the
 * stack or an error of an import; errors of this package that an import throws pass as they are.
 */
export const call = <A>(instance: MeteredInstance, body: () => A): A => {
  try {
    const result = body()
    if (instance.fuel.value >= 0n) return result
  } catch (error) {
    if (instance.fuel.value >= 0n) {
      instance.state = "failed"
      throw failure(error)
    }
  }
  instance.state = "failed"
  throw new FuelExhausted({ fuelMax: instance.fuelMax })
}

/** Units that the run has used so far; more than it was given when it was stopped for that. */
export const fuelUsed = (instance: MeteredInstance): number => instance.fuelMax - Number(instance.fuel.value)

const failure = (error: unknown): Error => {
  if (error instanceof RunFailed || error instanceof MemoryExceeded || error instanceof InputMalformed) return error
  if (error instanceof RangeError && /stack/i.test(error.message)) {
    return new RunFailed({ reason: "its calls are nested too deeply (stack overflow)" })
  }
  if (error instanceof WebAssembly.RuntimeError) return new RunFailed({ reason: trapReason(error.message) })
  return new RunFailed({ reason: messageOf(error) })
}

// Texts of JavaScriptCore and V8 for the traps of the specification.
const traps: ReadonlyArray<readonly [RegExp, string]> = [
  [/unreachable/i, "it reached an instruction that it declares unreachable"],
  [/(division|divide|remainder) by zero/i, "it divided an integer by zero"],
  [/integer overflow|divide result unrepresentable/i, "an integer division has a result that does not fit"],
  [/trunc|float unrepresentable/i, "it converted a float that does not fit the integer type"],
  [/table|call_indirect|signature|null function/i, "it used a table entry that is not there or has another type"],
  [/memory/i, "it used memory outside of its bounds"]
]

// JavaScriptCore appends the host's own source text to its messages.
const trapReason = (message: string): string => {
  const text = message.replace(/ \(evaluating [^]*$/, "")
  return traps.find(([pattern]) => pattern.test(text))?.[1] ?? `it trapped: ${text}`
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/ \(evaluating [^]*$/, "")
