/** `jit.*` and `modules.*`: what the JIT does, for the doors of the node. */
import { JitRpcs } from "@continuum/runtime-wasm/rpc"
import { Jit } from "@continuum/runtime-wasm/Jit"
import { Effect } from "effect"

export const layer = JitRpcs.toLayer(
  Effect.gen(function* () {
    const jit = yield* Jit
    return {
      "jit.compile": (request) => jit.compile(request),
      "jit.run": (request) => jit.run(request),
      "modules.list": () => jit.modules,
      "modules.export": ({ contentId }) => jit.exportModule(contentId)
    }
  })
)
