/**
 * Runs modules by their content id: has them ready in a cache, runs them in the node's own thread while that is short,
 * and in a child otherwise. It counts nothing and supervises nothing; `ModuleActor` does.
 */
import * as Quantum from "@continuum/actors/thoughtstream/Quantum"
import type * as ContentId from "@continuum/core/ContentId"
import type { ContentCorrupt, ContentStore, ContentUnknown } from "@continuum/core/ContentStore"
import { Effect } from "effect"
import type { ModuleMalformed, ModuleRefused, NodeBusy, RunError } from "./JitError.ts"
import { moduleCacheBytesMax } from "./Limits.ts"
import * as Manifest from "./Manifest.ts"
import * as ModuleActor from "./ModuleActor.ts"
import { type Entry, ModuleCache } from "./ModuleCache.ts"
import type { CompileReport } from "./rpc.ts"
import * as InThread from "./sandbox/InThread.ts"
import { isUncovered } from "./sandbox/Requests.ts"
import type { Sandbox } from "./sandbox/Sandbox.ts"

/** Why a module could not be had. */
export type LoadError = ContentUnknown | ContentCorrupt | ModuleMalformed | ModuleRefused | NodeBusy

export interface ModuleRunner {
  /** Whether there is a module of this id. */
  readonly has: (id: ContentId.ContentId) => Effect.Effect<boolean>
  /** Runs a module on an input. Whatever goes wrong is part of what it came to. */
  readonly run: (request: ModuleActor.RunRequest) => Effect.Effect<ModuleActor.Ran & { readonly crashed: boolean }>
}

export const make = (
  store: ContentStore["Service"],
  sandbox: Sandbox["Service"],
  cacheBytesMax: number = moduleCacheBytesMax
): ModuleRunner => {
  const cache = new ModuleCache(cacheBytesMax)

  /** The module, checked and ready. */
  const load = Effect.fn("ModuleRunner.load")(function* (id: ContentId.ContentId): Effect.fn.Return<Entry, LoadError> {
    const known = cache.get(id)
    if (known !== undefined) return known
    const loaded = yield* sandbox.load(yield* store.get(id))
    const { code } = loaded
    const admitted = code !== undefined && InThread.admits(loaded)
    const entry: Entry = {
      loaded,
      module: admitted ? yield* Effect.promise(() => WebAssembly.compile(code)) : undefined
    }
    cache.set(id, entry)
    return entry
  })

  const run = Effect.fn("ModuleRunner.run")(function* ({
    contentId,
    fuelMax,
    input,
    timeoutMs
  }: ModuleActor.RunRequest) {
    const { loaded, module } = yield* load(contentId)
    let interpret = false
    if (module !== undefined && InThread.covers(loaded, input)) {
      const outcome = InThread.run(module, loaded, input, fuelMax)
      // It was work of this thread.
      if (outcome !== undefined) yield* Quantum.fuel(outcome.fuel)
      interpret = outcome !== undefined && loaded.source !== undefined && isUncovered(outcome)
      if (outcome !== undefined && !interpret) return ranOf(loaded.manifest, { ...outcome, interpreted: false })
    }
    const request = { key: contentId, module: loaded, input, fuelMax, timeoutMs, interpret }
    return ranOf(loaded.manifest, yield* sandbox.run(request))
  })

  return {
    has: (id) => (cache.get(id) === undefined ? store.has(id) : Effect.succeed(true)),
    run: (request) =>
      Effect.catch(run(request), (error) => Effect.succeed({ fuel: 0, report: unknownReport, error, crashed: false }))
  }
}

/** How a run ended, wherever it ran. */
type Outcome = { readonly fuel: number; readonly interpreted: boolean } & (
  | { readonly output: unknown }
  | { readonly error: RunError }
)

const ranOf = (manifest: Manifest.Manifest, outcome: Outcome): ModuleActor.Ran & { readonly crashed: boolean } => {
  const { fuel, interpreted } = outcome
  const report = reportOf(manifest, interpreted)
  return "output" in outcome
    ? { fuel, report, output: outcome.output, crashed: false }
    : { fuel, report, error: outcome.error, crashed: !ModuleActor.isExpected(outcome.error, interpreted) }
}

/** The report of the module, or of a single call that its compiled form left to the interpreter. */
const reportOf = (manifest: Manifest.Manifest, interpreted: boolean): CompileReport => {
  const report = Manifest.report(manifest)
  if (!interpreted || report.tier === "quickjs") return report
  return { ...report, tier: "quickjs", reason: `its compiled form ${report.signature} does not cover this input` }
}

const unknownReport: CompileReport = { tier: "wasm", abi: "raw1", signature: "unknown", tested: 0 }
