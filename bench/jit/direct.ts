/**
 * The same functions without a node around them: the compiled one as a plain export, the other on quickjs-emscripten in
 * this process, in a context that stays. No fuel, no limits, no child, nothing counted.
 */
import { getQuickJS } from "quickjs-emscripten"
import { check, finish, measure } from "../Measure.ts"
import { functions } from "./Functions.ts"
import { kernelsModule } from "../wasm/Kernels.ts"

const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(await kernelsModule())))
const double = instance.exports.double as (input: number) => number
const context = (await getQuickJS()).newContext()

for (const { input, output, source, tier } of functions) {
  if (tier === "wasm") {
    await measure(tier, (operations) => {
      let result: unknown
      for (let i = 0; i < operations; i++) result = double(input as number)
      check("The output", result, output)
    })
  } else {
    const handler = context.unwrapResult(context.evalCode(`(text) => JSON.stringify((${source})(JSON.parse(text)))`))
    await measure(tier, (operations) => {
      let result: unknown
      for (let i = 0; i < operations; i++) {
        const argument = context.newString(JSON.stringify(input))
        const answer = context.unwrapResult(context.callFunction(handler, context.undefined, argument))
        result = JSON.parse(context.getString(answer))
        answer.dispose()
        argument.dispose()
      }
      check("The output", result, output)
    })
  }
}
finish()
