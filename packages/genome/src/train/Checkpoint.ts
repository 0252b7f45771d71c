/**
 * A training between two steps, as one file: parameters, the optimiser's moments, the step and the plan. A training that
 * goes on from it ends with the same weights, to the bit, as one that was never broken off.
 *
 * The file is safetensors, with `parameter.`, `mean.` and `square.` before the names, and a hash over all tensors, since a
 * flipped bit in a moment would show nowhere else.
 */
import * as ContentId from "@continuum/core/ContentId"
import { Effect, FileSystem, Schema } from "effect"
import * as Safetensors from "../formats/Safetensors.ts"
import { checkpointBytesMax, trainingStepsMax } from "../Limits.ts"
import type { NamedNumbers, TrainerState } from "./TrainerProtocol.ts"

/** The bytes are no checkpoint, or not all of one. Take an older one, or begin again. */
export class CheckpointDamaged extends Schema.TaggedError<CheckpointDamaged>()("CheckpointDamaged", {
  reason: Schema.String
}) {
  override get message() {
    return `The checkpoint is damaged: it ${this.reason}. Take an older one, or begin the training again`
  }
}

/** The checkpoint is of another training. */
export class CheckpointUnfit extends Schema.TaggedError<CheckpointUnfit>()("CheckpointUnfit", {
  reason: Schema.String
}) {
  override get message() {
    return `The checkpoint is of another training: ${this.reason}. Resume with the plan and the model that it was saved with`
  }
}

const Steps = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: trainingStepsMax }))

/** What the steps of a training depend on, besides its examples. */
export const Plan = Schema.Struct({
  steps: Steps,
  /** Sequences in a batch, and tokens in a sequence. */
  rows: Schema.Int,
  sequence: Schema.Int,
  /** The largest rate, about 3e-3 for a base and 1e-2 for a layer of the tiny model. */
  rate: Schema.Number,
  seed: Schema.Int,
  /** Name of the base that a layer is trained for; empty while the base itself is trained. */
  base: Schema.String
})
export type Plan = typeof Plan.Type

export interface Checkpoint {
  readonly plan: Plan
  readonly state: TrainerState
}

const format = "continuum.checkpoint.1"
const Head = Schema.Struct({
  format: Schema.Literal(format),
  hash: ContentId.ContentId,
  plan: Schema.fromJsonString(Plan),
  steps: Schema.fromJsonString(Steps)
})

const parts = { parameters: "parameter.", means: "mean.", squares: "square." } as const

/** The bytes of the file. */
export const encode = ({ plan, state }: Checkpoint): Effect.Effect<Uint8Array> => {
  const tensors = new Map<string, Safetensors.Tensor>()
  for (const [part, prefix] of Object.entries(parts) as Array<[keyof typeof parts, string]>) {
    for (const [name, numbers] of Object.entries(state[part])) {
      tensors.set(prefix + name, Safetensors.fromFloat32(numbers, [numbers.length]))
    }
  }
  const metadata = { format, hash: hashOf(tensors), plan: JSON.stringify(plan), steps: String(state.steps) }
  return Effect.orDie(Safetensors.write({ metadata: new Map(Object.entries(metadata)), tensors }))
}

/** Reads it again. Fails with `CheckpointDamaged` for anything that `encode` did not write. */
export const decode = Effect.fn("Checkpoint.decode")(function* (
  file: Uint8Array
): Effect.fn.Return<Checkpoint, CheckpointDamaged> {
  const damaged = (reason: string) => new CheckpointDamaged({ reason })
  const { metadata, tensors } = yield* Effect.mapError(Safetensors.read(file), ({ reason }) => damaged(reason))
  const head = yield* Effect.mapError(decodeHead(Object.fromEntries(metadata)), () =>
    damaged("does not say what a checkpoint says of itself")
  )
  if (head.hash !== hashOf(tensors)) return yield* damaged("has other numbers than it was saved with")
  const numbers: { readonly [Part in keyof typeof parts]: Record<string, Float32Array> } = {
    parameters: {},
    means: {},
    squares: {}
  }
  for (const [name, tensor] of tensors) {
    const part = (Object.keys(parts) as Array<keyof typeof parts>).find((part) => name.startsWith(parts[part]))
    if (part === undefined) return yield* damaged(`has a tensor ${name}, which belongs to nothing`)
    const data = yield* Effect.mapError(Safetensors.toFloat32(tensor), ({ message }) => damaged(message))
    numbers[part][name.slice(parts[part].length)] = data
  }
  return { plan: head.plan, state: { steps: head.steps, ...numbers } }
})
const decodeHead = Schema.decodeUnknownEffect(Head)

/** Fails with `CheckpointUnfit` unless this training may go on from there. `parameters`: those that it begins with. */
export const check = (
  { plan, state }: Checkpoint,
  wanted: Plan,
  parameters: NamedNumbers
): Effect.Effect<void, CheckpointUnfit> => {
  const unfit = (reason: string) => Effect.fail(new CheckpointUnfit({ reason }))
  for (const name of Object.keys(Plan.fields) as Array<keyof Plan>) {
    if (plan[name] !== wanted[name]) return unfit(`its ${name} is ${plan[name]}, and here it is ${wanted[name]}`)
  }
  if (state.steps > plan.steps) return unfit(`it has ${state.steps} steps of ${plan.steps}`)
  for (const part of Object.keys(parts) as Array<keyof typeof parts>) {
    // Before the first step there are no moments.
    if (part !== "parameters" && state.steps === 0) continue
    const found = state[part]
    for (const [name, { length }] of Object.entries(parameters)) {
      if (found[name]?.length !== length) {
        return unfit(`it has ${found[name]?.length ?? "no"} numbers for ${name}, and here there are ${length}`)
      }
    }
    const foreign = Object.keys(found).find((name) => parameters[name] === undefined)
    if (foreign !== undefined) return unfit(`it has ${foreign}, which is not trained here`)
  }
  return Effect.void
}

/** Writes the file; whoever is ended in the middle of it leaves the old one whole. A disk that fails is a defect. */
export const save = Effect.fn("Checkpoint.save")(function* (path: string, checkpoint: Checkpoint) {
  const fs = yield* FileSystem.FileSystem
  const beside = `${path}.new`
  const bytes = yield* encode(checkpoint)
  yield* Effect.orDie(Effect.andThen(fs.writeFile(beside, bytes), fs.rename(beside, path)))
})

/** Reads the file; `undefined` when there is none. Fails with `CheckpointDamaged`. */
export const load = Effect.fn("Checkpoint.load")(function* (
  path: string
): Effect.fn.Return<Checkpoint | undefined, CheckpointDamaged, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  if (!(yield* Effect.orElseSucceed(fs.exists(path), () => false))) return undefined
  const unreadable = ({ message }: { readonly message: string }) =>
    new CheckpointDamaged({ reason: `cannot be read: ${message}` })
  const { size } = yield* Effect.mapError(fs.stat(path), unreadable)
  if (Number(size) > checkpointBytesMax) {
    return yield* new CheckpointDamaged({ reason: `has ${size} bytes, more than the limit of ${checkpointBytesMax}` })
  }
  return yield* Effect.flatMap(Effect.mapError(fs.readFile(path), unreadable), decode)
})

const hashOf = (tensors: ReadonlyMap<string, Safetensors.Tensor>): ContentId.ContentId =>
  ContentId.of(
    [...tensors.keys()]
      .toSorted()
      .map((name) => `${ContentId.of(tensors.get(name)!.bytes)} ${name}\n`)
      .join("")
  )
