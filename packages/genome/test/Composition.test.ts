import * as Composition from "@continuum/genome/Composition"
import { linearTargets } from "@continuum/genome/model/LlamaConfig"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as SmallModel from "./support/SmallModel.ts"

const { config } = SmallModel
const base = "test/base"

const matrixOf = Effect.fnUntraced(function* (seed: number, rank: number) {
  const layer = yield* SmallModel.layerOf(seed, rank, base)
  return yield* Composition.prepare("0".repeat(64) as never, layer, base, config)
})

/** A B, as one matrix. */
const product = ({ rank, a, b }: Composition.Matrices): ReadonlyArray<number> => {
  const [inputs, outputs] = [a.length / rank, b.length / rank]
  return Array.from({ length: inputs * outputs }, (_, i) => {
    let sum = 0
    for (let r = 0; r < rank; r++) sum += a[Math.floor(i / outputs) * rank + r]! * b[r * outputs + (i % outputs)]!
    return sum
  })
}

describe("Composition", () => {
  it.effect("is the weighted sum of its layers, whatever their ranks", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* matrixOf(1, 2), yield* matrixOf(2, 5)]
      const both = Composition.compose(
        [
          { matrix: one, weight: 1 },
          { matrix: two, weight: -0.5 }
        ],
        config
      )
      for (const { name } of linearTargets(config)) {
        assert.strictEqual(both[name]!.rank, 7)
        const [x, y] = [product(one[name]!), product(two[name]!)]
        for (const [i, value] of product(both[name]!).entries()) assert.closeTo(value, x[i]! - 0.5 * y[i]!, 1e-5)
      }
    })
  )

  it.effect("one layer as it is costs nothing, and one of weight 0 is left out", () =>
    Effect.gen(function* () {
      const one = yield* matrixOf(1, 2)
      assert.strictEqual(Composition.compose([{ matrix: one, weight: 1 }], config), one)
      assert.deepStrictEqual(Composition.compose([{ matrix: one, weight: 0 }], config), {})
      const { name } = linearTargets(config)[0]!
      const some = { [name]: one[name]! }
      const composed = Composition.compose(
        [
          { matrix: some, weight: 1 },
          { matrix: some, weight: 1 }
        ],
        config
      )
      assert.deepStrictEqual(Object.keys(composed), [name])
    })
  )

  it.effect("takes alpha and rank into the numbers", () =>
    Effect.gen(function* () {
      const layer = yield* SmallModel.layerOf(1, 4, base)
      const doubled = { ...layer, targets: layer.targets.map((target) => ({ ...target, alpha: 8 })) }
      const plain = yield* Composition.prepare("0".repeat(64) as never, layer, base, config)
      const scaled = yield* Composition.prepare("0".repeat(64) as never, doubled, base, config)
      for (const { name } of linearTargets(config)) {
        assert.deepStrictEqual(scaled[name]!.a, plain[name]!.a)
        assert.deepStrictEqual(
          scaled[name]!.b,
          plain[name]!.b.map((value) => 2 * value)
        )
      }
    })
  )
})
