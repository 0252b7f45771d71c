/**
 * JavaScript on QuickJS (https://bellard.org/quickjs), itself WebAssembly: the reference of what a function means, and
 * the tier for functions that the compiler does not cover.
 *
 * The engine's own binary goes through our rewriter, so a script's fuel counts instructions of QuickJS: exact, the same
 * on every runtime and node, and what stops a run is a trap like any module's. Before each run the engine's memory
 * is made equal, byte for byte, to one that was prepared once (engine started, globals removed, prelude evaluated):
 * no run can see another, and equal calls use equal fuel.
 *
 * The binary is the one that quickjs-emscripten builds. It is driven through its C interface, without emscripten's
 * JavaScript, which would read the clock, the language of the machine and its environment.
 */
import * as MeteredInstance from "../abi/MeteredInstance.ts"
import { FuelExhausted, MemoryExceeded, RunFailed, type RunError } from "../JitError.ts"
import { memoryPagesMax, quickJsStackBytesMax } from "../Limits.ts"
import * as Rewrite from "../rewrite/Rewrite.ts"
import type { Outcome } from "../sandbox/Execute.ts"
import * as ValueText from "../sandbox/ValueText.ts"
import { initialPages, instantiate, type Machine, pageBytes, type Pointer, withInitialPages } from "./QuickJsMachine.ts"
import { prelude } from "./QuickJsPrelude.ts"

/** Part of each module's manifest: another version may give other answers and use other fuel. */
export const engineVersion = "quickjs-emscripten 0.32.0"

export interface Call {
  /** An expression whose value is the function. */
  readonly script: string
  /** Plain data; the arguments of the function as an array when `spread`. */
  readonly input: unknown
  /** Whether the elements of the input are the arguments, rather than the input being the only one. */
  readonly spread: boolean
  /** Instructions of QuickJS that may be executed. */
  readonly fuelMax: number
  /** Characters of the output as JSON. */
  readonly outputCharactersMax: number
}

/** QuickJS, ready to run functions. */
export interface QuickJs {
  /** Runs one function in an instance of its own. Synchronous; blocks for as long as its fuel lasts. */
  readonly run: (call: Call) => Outcome
}

/** QuickJS made ready, as plain data from which any process can go on. About 0.9 MB. */
export interface Image {
  /** The binary with fuel metering, and with little memory to begin with. */
  readonly code: Uint8Array<ArrayBuffer>
  /** The parts of its memory that are not zero. */
  readonly parts: ReadonlyArray<{ readonly at: Pointer; readonly bytes: Uint8Array }>
  readonly runtime: Pointer
  readonly context: Pointer
  readonly enter: Pointer
  readonly finish: Pointer
  readonly describe: Pointer
}

/** Makes QuickJS ready from the binary of quickjs-emscripten: meters it, starts it, evaluates the prelude. 0.3 s. */
export const prepare = async (binary: Uint8Array): Promise<Image> => {
  const code = Rewrite.rewriteUnsafe(withInitialPages(binary), { imports: "any" }).bytes
  const machine = instantiate(await WebAssembly.compile(code))
  return MeteredInstance.call(machine.metered, () => {
    const { c, memory } = machine
    c.callConstructors()
    const runtime = c.newRuntime()
    c.setMemoryLimit(runtime, (memoryPagesMax - initialPages) * pageBytes)
    c.setMaxStackSize(runtime, quickJsStackBytesMax)
    const context = c.newContext(runtime, intrinsics)
    const [list, error] = evaluate(machine, context, prelude)
    if (error !== 0) throw new Error("the prelude of QuickJS failed")
    const part = (index: number) => c.getProperty(context, list, c.newFloat64(context, index))
    const [enter, finish, describe] = [part(0), part(1), part(2)]
    return { code, parts: nonZero(new Uint8Array(memory.buffer)), runtime, context, enter, finish, describe }
  })
}

/** Goes on from an image that this node itself has image. 0.05 s. */
export const start = async (image: Image): Promise<QuickJs> => {
  const module = await WebAssembly.compile(image.code)
  let machine: Machine | undefined
  return {
    run: (call) => {
      // An instance serves again unless it was stopped or has grown; making one takes 1 to 6 ms on Bun.
      const current = machine ?? instantiate(module)
      machine = undefined
      restore(current, image)
      const outcome = run(current, image, call)
      const grown = current.memory.buffer.byteLength !== initialPages * pageBytes
      if (current.metered.state === "ready" && !grown) machine = current
      return outcome
    }
  }
}

/** Makes the memory what it was after preparing. The only other state is the stack pointer, which a run that ends puts back. */
const restore = ({ memory }: Machine, { parts }: Image): void => {
  const bytes = new Uint8Array(memory.buffer)
  bytes.fill(0)
  for (const part of parts) bytes.set(part.bytes, part.at)
}

const run = (machine: Machine, image: Image, call: Call): Outcome => {
  const end = (result: { readonly output: unknown } | { readonly error: RunError }): Outcome => ({
    fuel: MeteredInstance.fuelUsed(machine.metered),
    ...result
  })
  try {
    MeteredInstance.begin(machine.metered, call.fuelMax)
    return end(MeteredInstance.call(machine.metered, () => callFunction(machine, image, call)))
  } catch (cause) {
    if (cause instanceof FuelExhausted) return { fuel: call.fuelMax, error: cause }
    return end({ error: cause as RunError })
  }
}

/** Evaluates the script, calls the function, runs the jobs of its promises, and reads the result. */
const callFunction = (machine: Machine, image: Image, call: Call) => {
  const { c } = machine
  const { context, runtime, enter, finish } = image
  const [main, malformed] = evaluate(machine, context, call.script)
  if (malformed !== 0) return { error: describe(machine, image, malformed) }
  const text = ValueText.encode(call.input)
  const numbers = [text.includes('"$"') ? 0 : 1, call.spread ? 1 : 0, call.outputCharactersMax]
  const args = [
    main,
    c.newString(context, putText(machine, text)),
    ...numbers.map((value) => c.newFloat64(context, value))
  ]
  const [, failed] = callPointer(machine, context, enter, args)
  if (failed !== 0) return { error: describe(machine, image, failed) }
  if (c.isJobPending(runtime) !== 0) c.executePendingJobs(runtime, -1, c.malloc(4))
  const [result, rejected] = callPointer(machine, context, finish, [])
  if (rejected !== 0) return { error: describe(machine, image, rejected) }
  const output = getText(machine, context, result)
  return output === undefined ? { error: memoryExceeded() } : { output: ValueText.decode(output) }
}

/** The error as one of ours. QuickJS says "out of memory" when its allocator, bounded by our limit, gives no more. */
const describe = (machine: Machine, image: Image, error: Pointer): RunError => {
  const [result, failed] = callPointer(machine, image.context, image.describe, [error])
  // Describing catches whatever the error does; that it fails itself means that not even its few bytes are left.
  const text = failed === 0 ? getText(machine, image.context, result) : undefined
  if (text === undefined) return memoryExceeded()
  const [kind, reason] = JSON.parse(text) as [kind: string, reason: string]
  return kind === "memory" ? memoryExceeded() : new RunFailed({ reason })
}

const memoryExceeded = () => new MemoryExceeded({ memoryBytesMax: memoryPagesMax * pageBytes })

/** Evaluates a script: its value, and its error or 0. */
const evaluate = (machine: Machine, context: Pointer, script: string): [value: Pointer, error: Pointer] => {
  const { c } = machine
  const bytes = new TextEncoder().encode(script)
  const value = c.evaluate(context, putBytes(machine, bytes), bytes.length, putText(machine, "function"), 0, 0)
  return [value, c.resolveException(context, value)]
}

const callPointer = (machine: Machine, context: Pointer, target: Pointer, args: ReadonlyArray<Pointer>) => {
  const { c } = machine
  const list = c.malloc(4 * args.length + 4)
  new Uint32Array(machine.memory.buffer, list, args.length).set(args)
  const value = c.call(context, target, c.getUndefined(), args.length, list)
  return [value, c.resolveException(context, value)] as const
}

/** Copies bytes in, with a zero behind them. Nothing is freed: the instance lives for one run. */
const putBytes = (machine: Machine, bytes: Uint8Array): Pointer => {
  const at = machine.c.malloc(bytes.length + 1)
  if (at === 0) throw memoryExceeded()
  const memory = new Uint8Array(machine.memory.buffer)
  memory.set(bytes, at)
  memory[at + bytes.length] = 0
  return at
}

const putText = (machine: Machine, text: string): Pointer => putBytes(machine, new TextEncoder().encode(text))

/** The text of a string; undefined when there is no memory left to make it. */
const getText = (machine: Machine, context: Pointer, value: Pointer): string | undefined => {
  const at = machine.c.getString(context, value)
  if (at === 0) return undefined
  const memory = new Uint8Array(machine.memory.buffer)
  return new TextDecoder().decode(memory.subarray(at, memory.indexOf(0, at)))
}

/** Everything but the clock: base objects, eval, normalize, RegExp and its compiler, JSON, Proxy, Map and Set, typed
 * arrays, Promise, BigInt. Bits of quickjs-emscripten's `IntrinsicsFlags`. */
const intrinsics = 0xfff & ~2

const granuleBytes = 4096

const nonZero = (memory: Uint8Array): Image["parts"] => {
  const parts: Array<{ at: Pointer; bytes: Uint8Array }> = []
  for (let at = 0; at < memory.length; at += granuleBytes) {
    const bytes = memory.subarray(at, at + granuleBytes)
    if (bytes.some((byte) => byte !== 0)) parts.push({ at, bytes: bytes.slice() })
  }
  return parts
}
