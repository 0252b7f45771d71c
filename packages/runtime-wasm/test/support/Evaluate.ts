/** Runs JavaScript on the QuickJS of quickjs-emscripten, with the binary that a test gives. Tests only. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { newQuickJSWASMModuleFromVariant, newVariant, RELEASE_SYNC } from "quickjs-emscripten"

const require = createRequire(createRequire(import.meta.url).resolve("quickjs-emscripten"))

/** The QuickJS binary that ships with quickjs-emscripten. */
export const quickJsBinary = (): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(require.resolve("@jitl/quickjs-wasmfile-release-sync/wasm")))

/** An evaluator on this binary, and its exports. `prepare` sees them before any of its code runs. */
export const evaluator = async (
  binary: Uint8Array<ArrayBuffer>,
  pagesMax: number,
  prepare: (exports: WebAssembly.Exports) => void
) => {
  const module = new WebAssembly.Module(binary)
  let exports: WebAssembly.Exports = {}
  const instantiateWasm = (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => {
    const instance = new WebAssembly.Instance(module, imports)
    exports = instance.exports
    prepare(exports)
    done(instance)
    return exports
  }
  const quickJs = await newQuickJSWASMModuleFromVariant(
    newVariant(RELEASE_SYNC, {
      wasmMemory: new WebAssembly.Memory({ initial: 256, maximum: pagesMax }),
      emscriptenModule: { instantiateWasm } as never
    })
  )
  const evaluate = (source: string): unknown => {
    const context = quickJs.newContext()
    const result = context.evalCode(source)
    const value: unknown = result.error ? context.dump(result.error) : context.dump(result.value)
    result.dispose()
    context.dispose()
    return value
  }
  return { evaluate, exports }
}
