/**
 * Where strangers' code is compiled and run: child processes that can be killed. The node hands over bytes and gets
 * bytes or a typed error back, whatever the code does; what it does to the child, the child pays for.
 *
 * One pool compiles, another runs, so that a slow compilation does not hold up the runs.
 */
import { Context, Effect, Layer, Schema, Semaphore } from "effect"
import type * as QuickJs from "../compile/QuickJs.ts"
import type { ValueType } from "../compile/ValueType.ts"
import {
  CompileError,
  CompileFailed,
  MemoryExceeded,
  ModuleMalformed,
  ModuleRefused,
  NodeBusy,
  RunError,
  RunFailed,
  RunTimeout
} from "../JitError.ts"
import * as Limits from "../Limits.ts"
import type { ChildError } from "./ChildError.ts"
import * as ChildPool from "./ChildPool.ts"
import type * as ChildProcess from "./ChildProcess.ts"
import * as QuickJsBinary from "./QuickJsBinaryDisk.ts"
import * as Reaper from "./ReaperProcess.ts"
import type { Loaded, Reply, Request, RunReply } from "./Requests.ts"
import * as ValueText from "./ValueText.ts"

/** What a run in a child came to. */
export type Ran = {
  readonly fuel: number
  /** Whether QuickJS ran it. */
  readonly interpreted: boolean
} & ({ readonly output: unknown } | { readonly error: RunError })

export interface RunRequest {
  /** Names the module; equal keys mean equal modules. */
  readonly key: string
  readonly module: Loaded
  readonly input: unknown
  readonly fuelMax: number
  readonly timeoutMs: number
  /** Go to QuickJS at once. */
  readonly interpret: boolean
}

export class Sandbox extends Context.Service<
  Sandbox,
  {
    /** The module file of a source. Killed after `Limits.compileTimeoutMs`. */
    readonly compile: (
      lang: string,
      source: string | Uint8Array,
      input: ValueType | undefined
    ) => Effect.Effect<Uint8Array, CompileError>
    /**
     * Whether a module file that another node made of a source means what the source means. For `js` by a differential test;
     * for other languages only what the file says of itself. Fails with `ModuleMalformed` when it does not.
     */
    readonly verify: (
      lang: string,
      source: string | Uint8Array,
      input: ValueType | undefined,
      file: Uint8Array
    ) => Effect.Effect<void, CompileError>
    /** Checks and rewrites a module file. */
    readonly load: (file: Uint8Array) => Effect.Effect<Loaded, ModuleMalformed | ModuleRefused | NodeBusy>
    /** Runs a module on an input. Fails only when it was not run at all. */
    readonly run: (request: RunRequest) => Effect.Effect<Ran, NodeBusy>
    /** Process ids of the living children, for tests and `doctor`. */
    readonly pids: () => ReadonlyArray<number>
  }
>()("@continuum/runtime-wasm/Sandbox") {}

const make = Effect.fnUntraced(function* (warm: number) {
  const reaper = yield* Reaper.make
  const common = { reaper, greet: yield* makeGreet, warm, queueCapacity: Limits.sandboxQueueCapacity }
  const runners = yield* ChildPool.make({
    ...common,
    role: "run",
    preload: false,
    size: Limits.runChildrenMax,
    memoryBytesMax: Limits.runChildBytesMax,
    idleMs: Limits.childIdleMs
  })
  const compilers = yield* ChildPool.make({
    ...common,
    role: "compile",
    preload: warm > 0,
    size: Limits.compileChildrenMax,
    memoryBytesMax: Limits.compileChildBytesMax,
    idleMs: Limits.childIdleMs
  })
  return Sandbox.of({
    pids: () => [...runners.pids(), ...compilers.pids()],
    compile: (lang, source, input) =>
      Effect.map(
        work(compilers, lang, { op: "compile", lang, source, ...(input === undefined ? {} : { input }) }),
        (file) => file as Uint8Array
      ),
    verify: (lang, source, input, file) =>
      Effect.asVoid(
        work(compilers, lang, { op: "verify", lang, source, ...(input === undefined ? {} : { input }), file })
      ),
    load: (file) => load(runners, file),
    run: (request) => run(runners, request)
  })
})

/**
 * Children that are processes of this node's own runtime. One that runs and one that compiles are started in the
 * background, and always kept, so that nobody waits for them.
 */
export const layer: Layer.Layer<Sandbox, Reaper.ReaperUnavailable> = Layer.effect(Sandbox, make(1))

/** The same, with children only while they are needed: for programs that compile and run now and then. */
export const layerLazy: Layer.Layer<Sandbox, Reaper.ReaperUnavailable> = Layer.effect(Sandbox, make(0))

/** Gives each child its QuickJS. The first one makes it ready, before it runs anything else; the others go on from there. */
export const makeGreet: Effect.Effect<ChildPool.Options["greet"]> = Effect.gen(function* () {
  const binary = yield* QuickJsBinary.read
  const preparing = yield* Semaphore.make(1)
  let image: QuickJs.Image | undefined
  const hello = (child: ChildProcess.Child, quickJs: QuickJs.Image | Uint8Array) =>
    child.request({ op: "hello", quickJs } satisfies Request, Limits.childStartMsMax)
  const first = (child: ChildProcess.Child) =>
    Effect.suspend(() =>
      image === undefined
        ? Effect.map(hello(child, binary), (reply) => void (image = (reply as { readonly ok: QuickJs.Image }).ok))
        : hello(child, image)
    )
  return (child) => Effect.asVoid(image === undefined ? preparing.withPermit(first(child)) : hello(child, image))
})

const send = (pool: ChildPool.ChildPool, request: Request, timeoutMs: number) =>
  Effect.map(pool.request(request, timeoutMs), (reply) => reply as Reply)

/** What the compilers' child answers. */
const work = Effect.fn("Sandbox.compile")(function* (
  pool: ChildPool.ChildPool,
  lang: string,
  request: Request
): Effect.fn.Return<unknown, CompileError> {
  const reply = yield* Effect.mapError(send(pool, request, Limits.compileTimeoutMs), (error): CompileError => {
    switch (error._tag) {
      case "PoolBusy":
        return new NodeBusy({ waiting: error.waiting })
      case "ChildTimeout":
        return new CompileFailed({ lang, reason: `it took longer than ${Limits.compileTimeoutMs} ms` })
      case "ChildMemoryExceeded":
        return new CompileFailed({ lang, reason: `it took more than ${Limits.compileChildBytesMax} bytes of memory` })
      case "ChildDied":
        return new CompileFailed({ lang, reason: `its process died: ${error.reason}` })
    }
  })
  if ("ok" in reply) return reply.ok
  if ("error" in reply) return yield* decodeCompileError(reply.error)
  return yield* new CompileFailed({ lang, reason: "fault" in reply ? reply.fault : "the child lost it" })
})

const load = Effect.fn("Sandbox.load")(function* (
  pool: ChildPool.ChildPool,
  file: Uint8Array
): Effect.fn.Return<Loaded, ModuleMalformed | ModuleRefused | NodeBusy> {
  const reply = yield* Effect.mapError(send(pool, { op: "load", file }, Limits.loadTimeoutMs), (error) =>
    error._tag === "PoolBusy"
      ? new NodeBusy({ waiting: error.waiting })
      : new ModuleRefused({ reason: `checking it failed: ${error.message}` })
  )
  if ("ok" in reply) return reply.ok as Loaded
  if ("error" in reply) return yield* decodeLoadError(reply.error)
  return yield* new ModuleRefused({ reason: `checking it failed: ${"fault" in reply ? reply.fault : "it was lost"}` })
})

const run = Effect.fn("Sandbox.run")(function* (
  pool: ChildPool.ChildPool,
  { key, module, input, fuelMax, timeoutMs, interpret }: RunRequest
): Effect.fn.Return<Ran, NodeBusy> {
  const request = { op: "run", key, input: ValueText.encode(input), fuelMax, interpret } as const
  // The child that gets it has probably run the module before; if not, it says so.
  const first = yield* Effect.result(send(pool, request, timeoutMs))
  const isMissing = first._tag === "Success" && "missing" in first.success
  const result = isMissing ? yield* Effect.result(send(pool, { ...request, module }, timeoutMs)) : first
  const failed = (error: RunError): Ran => ({ fuel: 0, interpreted: false, error })
  if (result._tag === "Failure") {
    if (result.failure._tag === "PoolBusy") return yield* new NodeBusy({ waiting: result.failure.waiting })
    return failed(runErrorOf(result.failure))
  }
  const reply = result.success
  if ("error" in reply) return failed(yield* decodeRunError(reply.error))
  if (!("ok" in reply))
    return failed(new RunFailed({ reason: "fault" in reply ? reply.fault : "the child lost its module" }))
  const { output, error, fuel, interpreted } = reply.ok as RunReply
  const how = { fuel, interpreted }
  if (output === undefined) return { ...how, error: yield* decodeRunError(error) }
  return { ...how, output: ValueText.decode(output) }
})

const runErrorOf = (error: Exclude<ChildError, { readonly _tag: "PoolBusy" }>): RunError => {
  switch (error._tag) {
    case "ChildTimeout":
      return new RunTimeout({ timeoutMs: error.timeoutMs })
    case "ChildMemoryExceeded":
      return new MemoryExceeded({ memoryBytesMax: error.memoryBytesMax })
    case "ChildDied":
      return new RunFailed({ reason: `the process that ran it died: ${error.reason}` })
  }
}

// Errors come from a child that a stranger's code was in: they are checked like anything that comes from outside.
const decodeRunError = (error: unknown): Effect.Effect<RunError> =>
  Effect.orElseSucceed(
    Schema.decodeUnknownEffect(RunError)(error),
    () => new RunFailed({ reason: "for an unknown reason" })
  )

const decodeLoadError = (error: unknown): Effect.Effect<never, ModuleMalformed | ModuleRefused> =>
  Schema.decodeUnknownEffect(Schema.Union([ModuleMalformed, ModuleRefused]))(error).pipe(
    Effect.orElseSucceed(() => new ModuleRefused({ reason: "for an unknown reason" })),
    Effect.flatMap(Effect.fail)
  )

const decodeCompileError = (error: unknown): Effect.Effect<never, CompileError> =>
  Schema.decodeUnknownEffect(CompileError)(error).pipe(
    Effect.orElseSucceed(() => new CompileFailed({ lang: "", reason: "for an unknown reason" })),
    Effect.flatMap(Effect.fail)
  )
