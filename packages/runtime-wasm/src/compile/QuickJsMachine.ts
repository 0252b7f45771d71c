/**
 * The binary of quickjs-emscripten 0.32.0 as a machine: an instance, its memory, and the C functions to drive it with.
 *
 * What it imports is answered without the host: no clock, no environment, no output. All names here are emscripten's
 * short ones for this very version; another binary is refused.
 */
import * as MeteredInstance from "../abi/MeteredInstance.ts"
import { memoryPagesMax, quickJsFuelToPrepareMax } from "../Limits.ts"

/** Addresses in the memory of an instance. */
export type Pointer = number

export interface Machine {
  readonly metered: MeteredInstance.MeteredInstance
  readonly memory: WebAssembly.Memory
  readonly c: Api
}

/** A new instance, with its variables as the compiler of its C code set them. */
export const instantiate = (module: WebAssembly.Module): Machine => {
  const memory = new WebAssembly.Memory({ initial: initialPages, maximum: memoryPagesMax })
  const metered = MeteredInstance.instantiateUnsafe(module, { a: imports(memory) })
  const exports = metered.exports as Record<string, (...args: Array<number>) => number>
  const c = Object.fromEntries(Object.entries(exportNames).map(([name, short]) => [name, exports[short]!]))
  // Its start function zeroes its variables: before they get their values, not in the first run.
  MeteredInstance.begin(metered, quickJsFuelToPrepareMax)
  return { metered, memory, c: c as unknown as Api }
}

export const pageBytes = 65_536

/** 5 MiB of stack, as it was built with, and 2 for its variables and first heap. */
export const initialPages = 112

/**
 * The binary as it comes asks for 16 MiB from the start, all of which would have to be zeroed for each run. Its code does
 * not depend on that number: it asks how much there is, and for more when it needs more.
 */
export const withInitialPages = (binary: Uint8Array): Uint8Array => {
  // Import "a" "a" of kind memory, with a maximum: 256 to 32768 pages. The new minimum is written in two bytes, too.
  const declared = [1, 0x61, 1, 0x61, 2, 1, 0x80, 0x02, 0x80, 0x80, 0x02]
  const at = binary.findIndex((_, start) => declared.every((byte, index) => binary[start + index] === byte))
  if (at < 0) throw new Error("This is not the binary of quickjs-emscripten 0.32.0")
  const patched = binary.slice()
  patched.set([0x80 | (initialPages & 0x7f), initialPages >> 7], at + 6)
  return patched
}

/** The C functions that are used, by the short names that quickjs-emscripten 0.32.0 exports them under. */
const exportNames = {
  callConstructors: "u",
  malloc: "v",
  setMemoryLimit: "y",
  setMaxStackSize: "D",
  getUndefined: "E",
  newRuntime: "K",
  newContext: "N",
  newFloat64: "Y",
  newString: "_",
  getString: "$",
  isJobPending: "fa",
  executePendingJobs: "ga",
  getProperty: "ha",
  call: "ma",
  resolveException: "na",
  evaluate: "pa"
} as const

interface Api extends Record<keyof typeof exportNames, (...args: Array<number>) => number> {}

const stopped = (): never => {
  throw new Error("QuickJS aborted")
}
const nothing = (): number => 0

/**
 * What the binary imports, by the short names of quickjs-emscripten 0.32.0: no clock, no output, no environment, no host
 * functions. Its own allocator may grow the memory, up to the maximum that it was made with.
 */
const imports = (memory: WebAssembly.Memory): WebAssembly.ModuleImports => ({
  a: memory,
  /** __assert_fail, abort, proc_exit, host function called */
  b: stopped,
  q: stopped,
  r: stopped,
  s: stopped,
  /** keepalive, localtime, setitimer, tzset */
  l: nothing,
  m: nothing,
  j: nothing,
  n: nothing,
  /** emscripten_date_now */
  p: nothing,
  /** emscripten_resize_heap: in large steps, since an engine may copy all of the memory at each */
  k: (bytes: number) => {
    const held = memory.buffer.byteLength
    const wanted = Math.max(bytes >>> 0, Math.min(1.25 * held, memoryPagesMax * pageBytes))
    try {
      memory.grow(Math.ceil((wanted - held) / pageBytes))
      return 1
    } catch {
      return 0
    }
  },
  /** environ_get, environ_sizes_get: no variables */
  e: nothing,
  f: (count: Pointer, size: Pointer) => {
    const words = new Uint32Array(memory.buffer)
    words[count >> 2] = 0
    words[size >> 2] = 0
    return 0
  },
  /** fd_close, fd_seek, fd_write: no files; error numbers of WASI */
  d: () => 52,
  o: () => 70,
  c: () => 52,
  /** interrupt handler (never asks to stop: fuel does), module loader, module names, host references */
  i: nothing,
  h: nothing,
  g: nothing,
  t: nothing
})
