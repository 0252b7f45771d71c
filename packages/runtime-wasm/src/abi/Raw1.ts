/**
 * ABI `raw1`: any plain data, as MessagePack in the module's memory.
 *
 * The module exports `memory`, `alloc(n: i32) -> i32`, which returns the address of n free bytes or 0 when it has none,
 * and `run(address: i32, length: i32) -> i64`, which takes the input and returns the output as
 * `address << 32 | length`. Nothing that the module returns is believed: addresses are checked against the memory as it
 * is then, and the output is checked before it is decoded.
 */
import * as Codec from "@continuum/core/Codec"
import { problemOf } from "@continuum/core/MessagePackStructure"
import type { Effect } from "effect"
import { FuelExhausted, InputMalformed, MemoryExceeded, ModuleMalformed, RunFailed } from "../JitError.ts"
import { payloadBytesMax } from "../Limits.ts"
import { attempt } from "../rewrite/Attempt.ts"
import * as MeteredInstance from "./MeteredInstance.ts"
import * as PlainData from "./PlainData.ts"
import type { Failure } from "./Scalar1.ts"

/** Names of what a module of this ABI exports. */
export const memoryExport = "memory"
export const allocExport = "alloc"
export const runExport = "run"

/** Runs the module on an input and returns its output, with at most `fuelMax` units. */
export const run = (
  instance: MeteredInstance.MeteredInstance,
  input: unknown,
  fuelMax: number
): Effect.Effect<unknown, Failure> =>
  attempt([ModuleMalformed, InputMalformed, FuelExhausted, MemoryExceeded, RunFailed], () =>
    runUnsafe(instance, input, fuelMax)
  )

/** The same, at once. Throws what `run` fails with. */
export const runUnsafe = (instance: MeteredInstance.MeteredInstance, input: unknown, fuelMax: number): unknown => {
  const payload = encode(input)
  const memory = instance.exports[memoryExport]
  const alloc = instance.exports[allocExport]
  const run = instance.exports[runExport]
  if (!(memory instanceof WebAssembly.Memory) || typeof alloc !== "function" || typeof run !== "function") {
    throw new ModuleMalformed({ reason: `it does not export "memory", "alloc" and "run"` })
  }
  MeteredInstance.begin(instance, fuelMax)
  const address = MeteredInstance.call(instance, () => alloc(payload.length) as unknown)
  if (typeof address !== "number") throw new ModuleMalformed({ reason: `"alloc" does not return an i32` })
  if (address === 0) throw new RunFailed({ reason: `it has no memory for an input of ${payload.length} bytes` })
  within(memory, address >>> 0, payload.length, "alloc").set(payload)
  const packed = MeteredInstance.call(instance, () => run(address, payload.length) as unknown)
  if (typeof packed !== "bigint") throw new ModuleMalformed({ reason: `"run" does not return an i64` })
  const length = Number(BigInt.asUintN(32, packed))
  if (length > payloadBytesMax) {
    throw new RunFailed({ reason: `its output has ${length} bytes, and ${payloadBytesMax} are allowed` })
  }
  // A copy: the bytes must not change between the check and the decoding, nor outlive the memory.
  return decode(within(memory, Number(BigInt.asUintN(32, packed >> 32n)), length, "run").slice())
}

const encode = (input: unknown): Uint8Array => {
  const fault = PlainData.fault(input)
  if (fault !== undefined) throw new InputMalformed({ reason: `it must be plain data: ${fault}` })
  const payload = pack(input)
  if (payload.length <= payloadBytesMax) return payload
  throw new InputMalformed({ reason: `it has ${payload.length} bytes, and ${payloadBytesMax} are allowed` })
}

// An integer of more than 64 bits has no MessagePack.
const pack = (input: unknown): Uint8Array => {
  try {
    return Codec.encode(input)
  } catch (error) {
    throw new InputMalformed({ reason: messageOf(error) })
  }
}

const decode = (payload: Uint8Array): unknown => {
  const fault = problemOf(payload)
  if (fault !== undefined) throw new RunFailed({ reason: `its output is not MessagePack: ${fault}` })
  const output = unpack(payload)
  const unplain = PlainData.fault(output)
  if (unplain !== undefined) throw new RunFailed({ reason: `its output is no plain data: ${unplain}` })
  return output
}

const unpack = (payload: Uint8Array): unknown => {
  try {
    return Codec.decodeUnsafe(payload)
  } catch (error) {
    throw new RunFailed({ reason: `its output is not MessagePack: ${messageOf(error)}` })
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const within = (memory: WebAssembly.Memory, address: number, length: number, source: string): Uint8Array => {
  const { buffer } = memory
  if (address + length > buffer.byteLength) {
    throw new RunFailed({
      reason: `"${source}" returned ${length} bytes at ${address}, and its memory has ${buffer.byteLength}`
    })
  }
  return new Uint8Array(buffer, address, length)
}
