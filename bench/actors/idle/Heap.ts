/** How much of the engine's heap is in use, on each engine. */
import process from "node:process"

/** Bytes in use after a full collection. */
export const heapBytes = async (): Promise<number> => {
  if (process.versions.bun !== undefined) {
    // Named by a variable, since only Bun knows it.
    const module = "bun:jsc"
    const jsc = (await import(module)) as {
      readonly fullGC: () => unknown
      readonly heapStats: () => { readonly heapSize: number; readonly extraMemorySize: number }
    }
    jsc.fullGC()
    const { extraMemorySize, heapSize } = jsc.heapStats()
    return heapSize + extraMemorySize
  }
  const [v8, vm] = [await import("node:v8"), await import("node:vm")]
  v8.setFlagsFromString("--expose-gc")
  const collect = (globalThis as { gc?: () => void }).gc ?? (vm.runInNewContext("gc") as () => void)
  collect()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}
