/**
 * A source in, an answer out: looked up or compiled, loaded, run as a supervised actor, counted.
 *
 * The path of a call, each step in its own file: `SourceActor` (which module is it?), `Sandbox.compile` (a child makes the
 * module file), the content store (keeps it), `ModuleActor` (supervises and counts), `ModuleRunner` (has it ready), then
 * `InThread` (runs it here while that is short) or `Sandbox.run` (runs it in a child).
 */
import type { ActorError } from "@continuum/actors/ActorError"
import type { RemoteError } from "@continuum/actors/RemoteError"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as Address from "@continuum/core/Address"
import * as ContentId from "@continuum/core/ContentId"
import { ContentCorrupt, type ContentNotStored, ContentStore, ContentUnknown } from "@continuum/core/ContentStore"
import { Clock, Context, Effect, Layer } from "effect"
import * as PlainData from "./abi/PlainData.ts"
import { languages as allLanguages } from "./compile/Compiler.ts"
import * as ValueType from "./compile/ValueType.ts"
import { type CompileError, InputMalformed, LanguageUnavailable, RunFailed, type RunError } from "./JitError.ts"
import * as Elsewhere from "./Elsewhere.ts"
import * as JitActor from "./JitActor.ts"
import * as Limits from "./Limits.ts"
import * as JitEvents from "./JitEvents.ts"
import * as Manifest from "./Manifest.ts"
import * as ModuleActor from "./ModuleActor.ts"
import * as ModuleRunner from "./ModuleRunner.ts"
import type { Compiled, ModuleSummary, RunResult } from "./rpc.ts"
import { Sandbox } from "./sandbox/Sandbox.ts"
import * as ValueText from "./sandbox/ValueText.ts"
import * as SourceActor from "./SourceActor.ts"
import * as Utility from "./Utility.ts"

export interface Options {
  /** Name of this node in results. */
  readonly nodeName: string
  /** Public key of this node in results and among the counters of modules. A process that is no node has none, and counts by name. */
  readonly nodeKey?: string
  /** Languages to compile, out of those that there is a compiler for. Default: all of them. */
  readonly languages?: ReadonlyArray<string> | undefined
  /** Bytes of code that are kept ready to run. Default `Limits.moduleCacheBytesMax`. */
  readonly cacheBytesMax?: number
}

interface Named {
  readonly name?: string
  readonly version?: string
}

/** A source and what it is to be called. */
export interface Source extends Named {
  readonly lang: string
  readonly source: string | Uint8Array
}

export interface CompileRequest extends Source {
  /** An input like those to come, for languages without types. Default: numbers. */
  readonly sample?: unknown
}

export interface RunRequest {
  /** A module, or a source that is compiled if need be. */
  readonly target: { readonly contentId: string } | Source
  readonly input: unknown
  /** Where to run it: `local` or this node's own name or key, or a peer by name or public key. Default `local`. */
  readonly mesh?: string
  /** Instructions allowed, at most `Limits.fuelMax`. Default `Limits.fuelDefault`. */
  readonly fuelMax?: number
  /** Milliseconds allowed, at most `Limits.runTimeoutMsMax`. Default `Limits.runTimeoutMs`. */
  readonly timeoutMs?: number
}

export type StoreError = ContentId.ContentIdMalformed | ContentUnknown | ContentCorrupt

export class Jit extends Context.Service<
  Jit,
  {
    /** Languages that this node compiles. */
    readonly languages: ReadonlyArray<string>
    /** Compiles a source, unless this node has done so before, and keeps the module. */
    readonly compile: (
      request: CompileRequest
    ) => Effect.Effect<Compiled, CompileError | ActorError | StoreError | ContentNotStored>
    /**
     * Runs a module, or a source, on an input, here or on a peer. Pure: equal calls give equal outputs and equal fuel. A
     * module that is not here is brought from a peer that has it.
     */
    readonly run: (
      request: RunRequest
    ) => Effect.Effect<RunResult, CompileError | RunError | ActorError | RemoteError | StoreError | ContentNotStored>
    /** The modules that this node keeps, in no particular order; at most `Limits.modulesListMax`. */
    readonly modules: Effect.Effect<ReadonlyArray<ModuleSummary>>
    /** The module file of a content id. */
    readonly exportModule: (contentId: string) => Effect.Effect<Uint8Array, StoreError>
  }
>()("@continuum/runtime-wasm/Jit") {}

/** The service on top of a system of actors, a content store and a sandbox. */
export const layer = (options: Options): Layer.Layer<Jit, never, ActorSystem | ContentStore | Sandbox> =>
  Layer.effect(Jit, make(options))

const make = Effect.fnUntraced(function* ({ nodeName, nodeKey = "", languages: chosen, cacheBytesMax }: Options) {
  const languages = allLanguages.filter((lang) => chosen === undefined || chosen.includes(lang))
  const system = yield* ActorSystem
  const store = yield* ContentStore
  const sandbox = yield* Sandbox
  const runner = ModuleRunner.make(store, sandbox, cacheBytesMax)
  const { has } = runner
  const Door: ReturnType<typeof JitActor.make> = yield* system.register(
    JitActor.make({
      run: ({ contentId, ...call }) => runHere({ ...call, target: { contentId } }),
      compile: ({ input, ...source }) => compileHere(source, input, false)
    })
  )
  const elsewhere = yield* Elsewhere.make(Door, sandbox, languages)
  /** Numbers the calls, so that the error of one that crashed its actor finds its caller. */
  let calls = 0
  const crashes = new Map<number, ModuleActor.CallError>()

  const Module: ReturnType<typeof ModuleActor.make> = yield* system.register(
    ModuleActor.make({
      node: nodeKey === "" ? nodeName : nodeKey,
      accepts: (name) =>
        Effect.flatMap(
          Effect.orElseSucceed(ContentId.parse(name), () => undefined),
          (id) => (id === undefined ? Effect.succeed(false) : Effect.isSuccess(bring(id)))
        ),
      onCrash: (call, error) => crashes.set(call, error),
      run: runner.run
    })
  )

  const Source: ReturnType<typeof SourceActor.make> = yield* system.register(
    SourceActor.make({
      has,
      compile: Effect.fn("Jit.compile")(function* ({ input, lang, mayAsk, source }) {
        if (languages.some((one) => one === lang)) {
          const contentId = yield* store.put(yield* sandbox.compile(lang, source, input))
          yield* arrive(contentId)
          yield* compiled(contentId, lang, nodeName)
          return { contentId }
        }
        if (mayAsk !== true) return yield* new LanguageUnavailable({ lang, available: languages })
        const made = yield* elsewhere.compile({ lang, source, ...(input === undefined ? {} : { input }) })
        yield* arrive(made.contentId)
        yield* compiled(made.contentId, lang, made.compiledBy)
        return made
      })
    })
  )

  const compiled = (contentId: ContentId.ContentId, lang: string, compiledBy: string) =>
    system.publish(JitEvents.topic, { _tag: "Compiled", contentId, lang, compiledBy })

  /** Tells the actor of a module that has just come what it is. */
  const arrive = Effect.fnUntraced(
    function* (contentId: ContentId.ContentId) {
      const file = yield* store.get(contentId)
      const { manifest } = yield* Manifest.read(file)
      const arrival = { lang: manifest.lang, variant: manifest.signature, bytes: file.length }
      // Not waited for: this may happen while that actor is being activated.
      yield* system.ref(Module, contentId).tell.arrived(arrival)
    },
    (arriving) => Effect.ignore(arriving)
  )

  /** Has the module here; whether it had to be brought from a peer. */
  const bring = Effect.fnUntraced(function* (contentId: ContentId.ContentId) {
    if (yield* has(contentId)) return false
    const fetched = yield* elsewhere.fetch(contentId)
    if (fetched) yield* arrive(contentId)
    return fetched
  })

  /** The module of a source, by a compiler here or, where `mayAsk`, on a peer. */
  const resolve = Effect.fnUntraced(function* (
    { lang, name, source, version }: Source,
    input: ValueType.ValueType | undefined,
    mayAsk: boolean
  ) {
    const type = lang === "js" ? input : undefined
    const resolved = yield* system
      .ref(Source, SourceActor.nameOf(lang, source))
      .module({ lang, source, mayAsk, ...(type === undefined ? {} : { input: type }) })
    if (name !== undefined || version !== undefined) {
      const naming = { ...(name === undefined ? {} : { name }), ...(version === undefined ? {} : { version }) }
      yield* system.ref(Module, resolved.contentId).named(naming)
    }
    return resolved
  })

  const elapsedMs = (startNs: bigint) =>
    Effect.map(Clock.monotonicTimeNanos, (nowNs) => Number(nowNs - startNs) / 1_000_000)

  const callModule = (id: ContentId.ContentId, request: RunRequest) =>
    Effect.suspend(() => {
      const call = calls++
      const { fuelMax, input, timeoutMs } = request
      const payload = { input, call, ...present({ fuelMax, timeoutMs }) }
      const ref = system.ref(Module, id)
      return ref.run(payload).pipe(
        Effect.catchTag("ActorFailed", (failed): Effect.Effect<never, ModuleActor.CallError | ActorError> => {
          const error = crashes.get(call)
          if (error === undefined) return Effect.fail(failed)
          return Effect.andThen(Effect.ignore(ref.tell.crashed({})), Effect.fail(error))
        }),
        Effect.ensuring(Effect.sync(() => crashes.delete(call)))
      )
    })

  const compileHere = Effect.fn("Jit.compile")(function* (
    source: Source,
    input: ValueType.ValueType | undefined,
    mayAsk: boolean
  ) {
    const startNs = yield* Clock.monotonicTimeNanos
    const { compiledBy = nodeName, contentId } = yield* resolve(source, input, mayAsk)
    const file = yield* store.get(contentId)
    const { manifest } = yield* Manifest.read(file)
    return {
      contentId,
      bytes: file.length,
      lang: source.lang,
      compiledBy,
      ms: yield* elapsedMs(startNs),
      report: Manifest.report(manifest)
    }
  })

  const runHere = Effect.fn("Jit.run")(function* (request: RunRequest & { readonly target: { contentId: string } }) {
    const startNs = yield* Clock.monotonicTimeNanos
    yield* checkInput(request.input)
    const contentId = yield* ContentId.parse(request.target.contentId)
    const fetched = yield* Effect.catchTag(bring(contentId), "ContentNotStored", (error) =>
      Effect.fail(new RunFailed({ reason: `its module could not be kept: ${error.message}` }))
    )
    const ran = yield* callModule(contentId, request)
    if (ran.error !== undefined) return yield* ran.error
    const output = yield* Effect.try({
      try: () => PlainData.toJson(ran.output),
      catch: (error) => error as RunFailed
    })
    return {
      output,
      contentId,
      node: nodeName,
      nodeKey,
      fuel: ran.fuel,
      ms: yield* elapsedMs(startNs),
      cache: fetched ? ("fetched" as const) : ("hit" as const),
      report: ran.report
    }
  })

  return Jit.of({
    languages,
    compile: ({ sample, ...source }) =>
      compileHere(source, sample === undefined ? undefined : ValueType.of(sample), true),
    run: Effect.fnUntraced(function* (request) {
      const startNs = yield* Clock.monotonicTimeNanos
      yield* checkInput(request.input)
      const { fuelMax, input, mesh, target, timeoutMs } = request
      const { compiled, contentId } =
        "contentId" in target
          ? { contentId: yield* ContentId.parse(target.contentId), compiled: false }
          : yield* resolve(target, ValueType.of(input), true)
      const call = { input, ...present({ fuelMax, timeoutMs }) }
      const ran =
        mesh === undefined || mesh === "local" || mesh === nodeName || mesh === nodeKey
          ? yield* runHere({ ...call, target: { contentId } })
          : yield* elsewhere.run(mesh, { ...call, contentId })
      return {
        ...ran,
        ms: yield* elapsedMs(startNs),
        cache: compiled && ran.cache === "hit" ? ("compiled" as const) : ran.cache
      }
    }),
    modules: Effect.gen(function* () {
      const actors = yield* system.list("module")
      const nowMs = yield* Clock.currentTimeMillis
      const summaries = yield* Effect.forEach(actors.slice(0, Limits.modulesListMax), ({ address }) =>
        Address.parse(address).pipe(
          Effect.flatMap(({ name }) => system.ref(Module, name).statistics()),
          Effect.map((state) => summaryOf(address, state, nowMs)),
          // Its file is gone, or it is just failing: it is not one of the modules that this node can run.
          Effect.orElseSucceed(() => undefined)
        )
      )
      return summaries.filter((summary) => summary !== undefined)
    }),
    exportModule: (text) => Effect.flatMap(ContentId.parse(text), store.get)
  })
})

const summaryOf = (address: string, state: ModuleActor.State, nowMs: number): ModuleSummary => {
  const contentId = address.slice(address.lastIndexOf("/") + 1) as ContentId.ContentId
  const { failures, fuelTotal, uses } = ModuleActor.totals(state)
  const utility = Utility.utility(ModuleActor.usage(state), nowMs)
  return {
    contentId,
    address,
    name: state.name === "" ? contentId.slice(0, 12) : state.name,
    version: state.version === "" ? "0" : state.version,
    variant: state.variant,
    lang: state.lang,
    bytes: state.bytes,
    uses,
    fuelMean: uses === 0 ? 0 : fuelTotal / uses,
    failures,
    utility,
    seeds: 1,
    state: Utility.state(utility)
  }
}

/** The limits that were given. */
const present = ({ fuelMax, timeoutMs }: { readonly [K in "fuelMax" | "timeoutMs"]?: number | undefined }) => ({
  ...(fuelMax === undefined ? {} : { fuelMax }),
  ...(timeoutMs === undefined ? {} : { timeoutMs })
})

/** Refuses what is no plain data, too deep or too large, before it goes anywhere. */
const checkInput = (input: unknown): Effect.Effect<void, InputMalformed> =>
  Effect.suspend(() => {
    const problem = ValueText.problemOf(input, Limits.inputCharactersMax)
    return problem === undefined ? Effect.void : Effect.fail(new InputMalformed({ reason: problem }))
  })
