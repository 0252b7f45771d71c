/**
 * Trains a base model or a layer, in a process of its own: batches in, losses out, and the parameters at the end.
 *
 * Which examples, in which order and at which rate is for the caller; the same ones give the same weights. One request
 * at a time. A process that dies, or a loss that is no number, is a `TrainingFailed`: continue from a checkpoint.
 */
import { Deferred, Effect, Schema, type Scope, Semaphore } from "effect"
import * as ChildOnnxRuntime from "../backend/ChildOnnxRuntime.ts"
import type { LlamaConfig } from "../model/LlamaConfig.ts"
import type { Answer, Batch, NamedNumbers, Request, TrainerState } from "./TrainerProtocol.ts"
import type { Options as GraphOptions } from "./TrainingGraph.ts"

export class TrainingFailed extends Schema.TaggedError<TrainingFailed>()("TrainingFailed", { reason: Schema.String }) {
  override get message() {
    return `The training failed: ${this.reason}. What was saved before is whole`
  }
}

export interface Options extends GraphOptions {
  readonly config: LlamaConfig
  /** Of the base model; may be empty when that is what is trained. */
  readonly weights: ReadonlyMap<string, Float32Array>
  /** Where the training begins. Copied. */
  readonly parameters: ReadonlyMap<string, Float32Array>
  /** Cores that it may use. Default 1. */
  readonly threads?: number
}

export interface Trainer {
  /** One step against the gradient; the loss before it, in nats a token. `rate`: about 1e-3. */
  readonly step: (batch: Batch, rate: number) => Effect.Effect<number, TrainingFailed>
  /** The loss and its gradient, without a step. */
  readonly gradients: (
    batch: Batch
  ) => Effect.Effect<{ readonly loss: number; readonly gradients: ReadonlyMap<string, Float32Array> }, TrainingFailed>
  /** The loss, and the most likely token after each position. */
  readonly measure: (
    batch: Batch
  ) => Effect.Effect<{ readonly loss: number; readonly predicted: Int32Array }, TrainingFailed>
  /** Other parameters from now on; the optimiser keeps its memory. */
  readonly replace: (parameters: ReadonlyMap<string, Float32Array>) => Effect.Effect<void, TrainingFailed>
  /** All that the next step depends on; copies. */
  readonly save: Effect.Effect<TrainerState, TrainingFailed>
  /** Goes on from there, to the bit. The names and sizes must be those of this trainer. */
  readonly restore: (state: TrainerState) => Effect.Effect<void, TrainingFailed>
  /** Copies. */
  readonly parameters: Effect.Effect<ReadonlyMap<string, Float32Array>, TrainingFailed>
}

/** Starts a trainer; its process ends with the scope. */
export const make = Effect.fn("TrainerOnnxRuntime.make")(function* (
  options: Options
): Effect.fn.Return<Trainer, TrainingFailed, Scope.Scope> {
  const turn = yield* Semaphore.make(1)
  let waiting: Deferred.Deferred<Answer, TrainingFailed> | undefined
  let gone: TrainingFailed | undefined
  const settle = (effect: Effect.Effect<Answer, TrainingFailed>) => {
    const asked = waiting
    // First: whoever waits goes on at once, and may ask again.
    waiting = undefined
    if (asked !== undefined) Deferred.doneUnsafe(asked, effect)
  }
  const child = yield* ChildOnnxRuntime.start({
    entry: new URL("./TrainerOnnxRuntime.entry.ts", import.meta.url),
    onMessage: (message) => settle(Effect.succeed(message as Answer)),
    onExit: ({ reason }) => {
      gone = new TrainingFailed({ reason })
      settle(Effect.fail(gone))
    }
  }).pipe(Effect.mapError(({ reason }) => new TrainingFailed({ reason })))

  const ask = <Tag extends Answer["_tag"]>(request: Request, tag: Tag) =>
    Effect.gen(function* () {
      if (gone !== undefined) return yield* gone
      const deferred = yield* Deferred.make<Answer, TrainingFailed>()
      waiting = deferred
      child.send(request)
      const answer = yield* Deferred.await(deferred)
      if (answer._tag === "Failed") return yield* new TrainingFailed({ reason: answer.reason })
      if (answer._tag !== tag) return yield* Effect.die(new Error(`${answer._tag} is no answer to ${request._tag}`))
      return answer as Extract<Answer, { readonly _tag: Tag }>
    }).pipe(
      // A request that nobody waits for any more would leave its answer to the next one.
      Effect.onInterrupt(() => Effect.sync(child.kill)),
      turn.withPermit
    )

  const { batch, sequence, train, rank } = options
  yield* ask(
    {
      _tag: "Open",
      config: options.config,
      options: { batch, sequence, train, rank },
      weights: train === "base" ? {} : Object.fromEntries(options.weights),
      parameters: Object.fromEntries(options.parameters),
      threads: options.threads ?? 1
    },
    "Opened"
  )
  const mapOf = (numbers: NamedNumbers) => new Map(Object.entries(numbers))
  return {
    step: (batch, rate) => Effect.map(ask({ _tag: "Step", batch, rate }, "Stepped"), ({ loss }) => loss),
    gradients: (batch) =>
      Effect.map(ask({ _tag: "Gradients", batch }, "Gradients"), ({ loss, gradients }) => ({
        loss,
        gradients: mapOf(gradients)
      })),
    measure: (batch) => ask({ _tag: "Measure", batch }, "Measured"),
    replace: (parameters) =>
      Effect.asVoid(ask({ _tag: "Replace", parameters: Object.fromEntries(parameters) }, "Replaced")),
    save: Effect.map(ask({ _tag: "Save" }, "Saved"), ({ state }) => state),
    restore: (state) => Effect.asVoid(ask({ _tag: "Restore", state }, "Restored")),
    parameters: Effect.map(ask({ _tag: "Parameters" }, "Parameters"), ({ parameters }) => mapOf(parameters))
  }
})
