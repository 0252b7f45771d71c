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

/** The longest time in ms that a timer of this process was late while an effect ran. */
export const longestLag = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    let longestMs = 0
    let lastMs = performance.now()
    const timer = setInterval(() => {
      const nowMs = performance.now()
      longestMs = Math.max(longestMs, nowMs - lastMs - 5)
      lastMs = nowMs
    }, 5)
    yield* Effect.ensuring(
      effect,
      Effect.sync(() => clearInterval(timer))
    )
    return longestMs
  })
