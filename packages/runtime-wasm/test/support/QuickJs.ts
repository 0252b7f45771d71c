/** QuickJS as a child has it, for tests that run in their own process. */
import * as QuickJs from "@continuum/runtime-wasm/compile/QuickJs"
import * as QuickJsBinary from "@continuum/runtime-wasm/sandbox/QuickJsBinaryDisk"
import { Effect } from "effect"

export const image = await QuickJs.prepare(await Effect.runPromise(QuickJsBinary.read))

export const quickJs = await QuickJs.start(image)

/** Runs a function on an input, with 200 million units and a megabyte of output. */
export const run = (script: string, input: unknown, limits: Partial<QuickJs.Call> = {}) =>
  quickJs.run({ script, input, spread: false, fuelMax: 200_000_000, outputCharactersMax: 1_000_000, ...limits })
