/** A model of the size of the tiny one, that never ends an answer, and layers for it. */
import type { Matrix } from "@continuum/genome/Composition"
import { loraInput } from "@continuum/genome/model/InferenceGraph"
import { linearTargets } from "@continuum/genome/model/LlamaConfig"
import * as RandomStream from "@continuum/genome/model/RandomStream"
import * as Initial from "@continuum/genome/train/Initial"
import { config } from "@continuum/genome/train/tiny/TinyBuild"

export { config }

/** Only the letters a to z have a chance. */
export const weights: ReadonlyMap<string, Float32Array> = (() => {
  const all = new Map(Initial.weights(config, 7))
  const head = all.get("lm_head.weight")!
  for (let token = 0; token < config.vocab_size; token++) {
    if (token < 97 || token > 122) head.fill(0, token * config.hidden_size, (token + 1) * config.hidden_size)
  }
  return all
})()

/** Six layers of rank 8, as the tiny model has them. */
export const layers: ReadonlyArray<Matrix> = [1, 2, 3, 4, 5, 6].map((seed) => {
  const random = RandomStream.make(seed, 9)
  const parameters = Initial.layer(config, 8, seed)
  return Object.fromEntries(
    linearTargets(config).map(({ name, outputs }) => [
      name,
      {
        rank: 8,
        a: parameters.get(loraInput(name, "A"))!,
        b: Float32Array.from({ length: 8 * outputs }, () => RandomStream.normal(random) * 0.1)
      }
    ])
  )
})

/** The weights with the first layer worked in, which is what a rebuilt session would run. */
export const merged = (): ReadonlyMap<string, Float32Array> => {
  const all = new Map(weights)
  for (const { name, inputs, outputs } of linearTargets(config)) {
    const { a, b, rank } = layers[0]![name]!
    const weight = all.get(`${name}.weight`)!.slice()
    for (let output = 0; output < outputs; output++) {
      for (let input = 0; input < inputs; input++) {
        for (let r = 0; r < rank; r++)
          weight[output * inputs + input]! += a[input * rank + r]! * b[r * outputs + output]!
      }
    }
    all.set(`${name}.weight`, weight)
  }
  return all
}

/** Tokens of the prompt, and of an answer. */
export const promptTokens = 24
export const answerTokens = 64
