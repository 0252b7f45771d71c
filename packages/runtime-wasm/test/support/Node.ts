/** What a node has for `Jit`, in memory: actors, content, and real sandbox children. */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as ContentStore from "@continuum/core/ContentStore"
import * as Jit from "@continuum/runtime-wasm/Jit"
import { layer as sandboxLayer } from "@continuum/runtime-wasm/sandbox/Sandbox"
import { Effect, Layer } from "effect"

export const layer = Jit.layer({ nodeName: "here" }).pipe(
  Layer.provideMerge(Layer.mergeAll(ActorSystem.layerWithoutStorage(), ContentStore.layerMemory, sandboxLayer))
)

/** Runs a source on an input. */
export const run = (
  source: string | Uint8Array,
  input: unknown,
  options: Partial<Jit.RunRequest> & { readonly lang?: string } = {}
) =>
  Effect.gen(function* () {
    const jit = yield* Jit.Jit
    const { lang = "js", ...limits } = options
    return yield* jit.run({ target: { lang, source }, input, ...limits })
  })

/**
 * The longest time in ms that this thread computed without a pause while an effect ran: what a timer of it had to wait for.
 * Of the processor, not of the clock, because others may take the processor away for any time.
 */
export const longestTurn = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    let longestMs = 0
    let lastMs = threadMs()
    const timer = setInterval(() => {
      const nowMs = threadMs()
      longestMs = Math.max(longestMs, nowMs - lastMs)
      lastMs = nowMs
    }, 5)
    yield* Effect.ensuring(
      effect,
      Effect.sync(() => clearInterval(timer))
    )
    return Math.max(longestMs, threadMs() - lastMs)
  })

/** Time that this thread has had the processor. Node 20 only tells that of the process. */
export const threadMs = (): number => {
  const { user, system } = (process.threadCpuUsage ?? process.cpuUsage)()
  return (user + system) / 1_000
}
