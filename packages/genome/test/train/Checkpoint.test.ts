import * as Layer from "@continuum/genome/Layer"
import * as RandomStream from "@continuum/genome/model/RandomStream"
import * as BaseTrainer from "@continuum/genome/train/BaseTrainer"
import * as Checkpoint from "@continuum/genome/train/Checkpoint"
import type { Example } from "@continuum/genome/train/Examples"
import * as Initial from "@continuum/genome/train/Initial"
import * as LoraTrainer from "@continuum/genome/train/LoraTrainer"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as SmallModel from "../support/SmallModel.ts"

const { config } = SmallModel

const doubled = (random: RandomStream.RandomStream): Example => {
  const letter = String.fromCharCode(RandomStream.integer(random, 97, 122))
  return { turns: [{ role: "user", content: letter }], answer: letter + letter }
}

const plan = { source: doubled, steps: 12, rows: 4, sequence: 24, rate: 1e-2, seed: 5 }
const layerOptions = { ...plan, config, weights: Initial.weights(config, 3), base: "test/base", rank: 2 }

/** Trains to the end, and gives the checkpoints on the way. */
const trained = Effect.fnUntraced(function* (from?: Checkpoint.Checkpoint) {
  const saved: Array<Checkpoint.Checkpoint> = []
  const save = (checkpoint: Checkpoint.Checkpoint) => Effect.sync(() => void saved.push(checkpoint))
  const layer = yield* Effect.scoped(LoraTrainer.train({ ...layerOptions, from, saving: { everySteps: 5, save } }))
  return { contentId: yield* Layer.contentId(layer), saved }
})

const small: Checkpoint.Checkpoint = {
  plan: { steps: 10, rows: 1, sequence: 8, rate: 0.1, seed: 1, base: "" },
  state: {
    steps: 3,
    parameters: { a: Float32Array.of(1, 2), b: Float32Array.of(3) },
    means: { a: Float32Array.of(4, 5), b: Float32Array.of(6) },
    squares: { a: Float32Array.of(7, 8), b: Float32Array.of(9) }
  }
}

describe("a checkpoint", () => {
  it.live("a layer that is resumed, also in a new process and from a file, is the one of an unbroken training", () =>
    Effect.gen(function* () {
      const whole = yield* trained()
      assert.deepStrictEqual(
        whole.saved.map(({ state }) => state.steps),
        [5, 10, 12]
      )
      const file = yield* Checkpoint.encode(whole.saved[0]!)
      const resumed = yield* trained(yield* Checkpoint.decode(file))
      assert.strictEqual(resumed.contentId, whole.contentId)
      assert.deepStrictEqual(resumed.saved[1], whole.saved[2])
      // Nothing is left to do.
      assert.strictEqual((yield* trained(whole.saved[2])).contentId, whole.contentId)
    })
  )

  it.live("a base that is resumed has the weights of an unbroken training, to the bit", () =>
    Effect.gen(function* () {
      const saved: Array<Checkpoint.Checkpoint> = []
      const save = (checkpoint: Checkpoint.Checkpoint) => Effect.sync(() => void saved.push(checkpoint))
      const options = { ...plan, config, steps: 6, threads: 1 }
      const whole = yield* Effect.scoped(BaseTrainer.train({ ...options, saving: { everySteps: 4, save } }))
      const resumed = yield* Effect.scoped(BaseTrainer.train({ ...options, from: saved[0] }))
      assert.deepStrictEqual(resumed, whole)
      // The moments count: without them the same step gives other weights.
      const { means, squares } = saved[0]!.state
      const forgotten = (numbers: typeof means) =>
        Object.fromEntries(Object.entries(numbers).map(([name, { length }]) => [name, new Float32Array(length)]))
      const state = { ...saved[0]!.state, means: forgotten(means), squares: forgotten(squares) }
      const other = yield* Effect.scoped(BaseTrainer.train({ ...options, from: { plan: saved[0]!.plan, state } }))
      assert.notDeepEqual(other, whole)
    })
  )

  it.effect("one of another plan, base or model is refused, and says what differs", () =>
    Effect.gen(function* () {
      const { parameters } = small.state
      yield* Checkpoint.check(small, small.plan, parameters)
      const reason = (plan: Partial<Checkpoint.Plan>, names = parameters, checkpoint = small) =>
        Effect.map(
          Effect.flip(Checkpoint.check(checkpoint, { ...small.plan, ...plan }, names)),
          ({ message }) => message
        )
      assert.include(yield* reason({ seed: 2 }), "its seed is 1, and here it is 2")
      assert.include(yield* reason({ base: "x" }), "base")
      assert.include(yield* reason({}, { ...parameters, c: Float32Array.of(1) }), "no numbers for c")
      assert.include(yield* reason({}, { a: parameters["a"]! }), "it has b, which is not trained here")
      assert.include(yield* reason({}, { ...parameters, b: Float32Array.of(1, 2) }), "1 numbers for b")
      const without = { ...small, state: { ...small.state, means: {} } }
      assert.include(yield* reason({}, parameters, without), "no numbers for a")
      const late = { ...small, state: { ...small.state, steps: 11 } }
      assert.include(yield* reason({}, parameters, late), "11 steps of 10")
    })
  )

  it.effect("one flipped bit, a missing end, or another file is damage and nothing else", () =>
    Effect.gen(function* () {
      const file = yield* Checkpoint.encode(small)
      assert.deepStrictEqual(yield* Checkpoint.decode(file), small)
      for (let at = 0; at < file.length; at++) {
        const flipped = file.slice()
        flipped[at]! ^= 1
        const result = yield* Effect.result(Checkpoint.decode(flipped))
        // Text of the plan itself may become another plan, which `check` refuses; a space of the padding means nothing.
        if (result._tag === "Failure") assert.strictEqual(result.failure._tag, "CheckpointDamaged")
        else assert.deepStrictEqual(result.success.state.parameters, small.state.parameters)
      }
      const numbers = file.slice()
      numbers[file.length - 1]! ^= 1
      assert.include((yield* Effect.flip(Checkpoint.decode(numbers))).message, "other numbers")
      assert.strictEqual((yield* Effect.flip(Checkpoint.decode(file.subarray(0, -1))))._tag, "CheckpointDamaged")
      assert.strictEqual((yield* Effect.flip(Checkpoint.decode(new Uint8Array())))._tag, "CheckpointDamaged")
    })
  )

  it.live("a file is replaced as a whole, and none is no error", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped({ prefix: "continuum-checkpoint-" })
      const path = `${folder}/base.safetensors`
      assert.isUndefined(yield* Checkpoint.load(path))
      yield* Checkpoint.save(path, small)
      const later = { ...small, state: { ...small.state, steps: 4 } }
      yield* Checkpoint.save(path, later)
      assert.deepStrictEqual(yield* Checkpoint.load(path), later)
      assert.deepStrictEqual(yield* fs.readDirectory(folder), ["base.safetensors"])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
