/**
 * The shortest way to run a module: in the thread of the node itself, with so little fuel that nobody notices.
 *
 * Why that is safe. The module was checked and rewritten, and first compiled in a child: it has no imports and no memory,
 * so it reaches nothing at all, and every call and every round of a loop pays fuel, so it ends after `inThreadFuelMax`
 * instructions, which take less than 5 ms on every runtime. It is small, so that compiling it cannot take long either.
 * Functions are pure: one that runs out of this fuel is simply run again, from its beginning and with all the fuel it was
 * granted, in a child.
 *
 * What never comes here: QuickJS; modules with a memory (an instance of one costs Bun a garbage collection of the whole
 * node, 10 ms and more); modules with large tables, which are made anew for each run; modules above the limits. Modules that came from a peer are run like any other: docs/THREATS.md.
 */
import { FuelExhausted } from "../JitError.ts"
import { inThreadCodeBytesMax, inThreadFuelMax, inThreadTableEntriesMax } from "../Limits.ts"
import * as Execute from "./Execute.ts"
import type { Loaded } from "./Requests.ts"

/** Whether a module may run in the node's thread at all. */
export const admits = (loaded: Loaded): boolean =>
  loaded.code !== undefined &&
  !loaded.memory &&
  loaded.tableEntriesMax <= inThreadTableEntriesMax &&
  loaded.code.length <= inThreadCodeBytesMax

/** Whether the compiled code may be given this input; otherwise the run goes to a child, and there to the interpreter. */
export const covers = ({ manifest, source }: Loaded, input: unknown): boolean =>
  source === undefined || Execute.covers(manifest, input)

/** Runs a module that was admitted; `undefined` when it needs more fuel than it gets here. */
export const run = (
  module: WebAssembly.Module,
  loaded: Loaded,
  input: unknown,
  fuelMax: number
): Execute.Outcome | undefined => {
  const outcome = Execute.execute(module, loaded.manifest, input, Math.min(fuelMax, inThreadFuelMax))
  const exhausted = "error" in outcome && outcome.error instanceof FuelExhausted
  return exhausted && fuelMax > inThreadFuelMax ? undefined : outcome
}
