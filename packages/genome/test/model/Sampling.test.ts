import * as RandomStream from "@continuum/genome/model/RandomStream"
import * as Sampling from "@continuum/genome/model/Sampling"
import { assert, describe, it } from "@effect/vitest"

const logits = Float32Array.of(1, 3, 2, 3, -1)

/** How often each token comes in 2,000 draws. */
const frequencies = (settings: Parameters<typeof Sampling.make>[0], before: ReadonlyArray<number> = []) => {
  const sampler = Sampling.make({ temperature: 1, seed: 3, ...settings })
  const counts = [0, 0, 0, 0, 0]
  for (let i = 0; i < 2000; i++) counts[sampler.next(logits, before)]! += 1 / 2000
  return counts
}

describe("Sampling", () => {
  it("takes the first of the most likely without a temperature", () => {
    assert.strictEqual(Sampling.make({}).next(logits, []), 1)
    assert.strictEqual(Sampling.make({ seed: 9, topP: 0.1 }).next(logits, []), 1)
  })

  it("draws as often as the softmax says", () => {
    const weights = [...logits].map(Math.exp)
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    for (const [token, frequency] of frequencies({}).entries()) {
      assert.closeTo(frequency, weights[token]! / total, 0.03)
    }
    const cold = frequencies({ temperature: 0.1 })
    assert.closeTo(cold[1]! + cold[3]!, 1, 0.001)
  })

  it("the same seed draws the same, another seed does not", () => {
    const draw = (seed: number) => {
      const sampler = Sampling.make({ temperature: 1, seed })
      return Array.from({ length: 20 }, () => sampler.next(logits, []))
    }
    assert.deepStrictEqual(draw(5), draw(5))
    assert.notDeepEqual(draw(5), draw(6))
    const stream = RandomStream.make(2 ** 40 + 1)
    assert.notStrictEqual(stream(), RandomStream.make(1)())
  })

  it("topK and topP leave out the rest, and never everything", () => {
    assert.deepStrictEqual(
      frequencies({ topK: 3 }).map((frequency) => frequency > 0),
      [false, true, true, true, false]
    )
    assert.deepStrictEqual(
      frequencies({ topP: 0.75 }).map((frequency) => frequency > 0),
      [false, true, false, true, false]
    )
    assert.strictEqual(frequencies({ topP: 0 })[1], frequencies({ topK: 1 })[1])
  })

  it("a repetition penalty makes what was there less likely, also below zero", () => {
    const sampler = Sampling.make({ repetitionPenalty: 2 })
    assert.strictEqual(sampler.next(logits, [1, 1]), 3)
    assert.strictEqual(sampler.next(logits, [1, 3]), 2)
    assert.strictEqual(Sampling.make({ repetitionPenalty: 2 }).next(Float32Array.of(-1, -1.5), [0]), 1)
  })
})
