/**
 * The graph that learns: a decoder on whole sequences, the loss of the tokens that count, and its gradients.
 *
 * Inputs: `tokens` [batch, sequence] and `targets` [batch * sequence] as int64, `counts` [batch * sequence] as 0 or 1, and
 * the parameters that are trained under their own names. Outputs: `loss`, `predicted` [batch * sequence] (the most likely
 * tokens) and, for each trained parameter, `gradient.<name>`. Sizes are fixed, as derivation needs them.
 */
import { loraInput } from "../model/InferenceGraph.ts"
import * as Llama from "../model/Llama.ts"
import { linearTargets, type LlamaConfig, weightShapes } from "../model/LlamaConfig.ts"
import { gradients } from "../onnx/Autodiff.ts"
import { Graph, type Value } from "../onnx/Graph.ts"

export interface Options {
  readonly batch: number
  readonly sequence: number
  /**
   * What is trained: the weights of the base, or a layer of this rank on top of them. `none`: nothing, and `rank` is that
   * of the layer to measure with, 0 without one.
   */
  readonly train: "base" | "layer" | "none"
  readonly rank: number
}

/** Name of the output with a parameter's gradient. */
export const gradientOutput = (parameter: string): string => `gradient.${parameter}`

/** Names and shapes of a layer's parameters: A [1, inputs, rank] and B [1, rank, outputs] for each linear module. */
export const layerShapes = (config: LlamaConfig, rank: number): ReadonlyMap<string, ReadonlyArray<number>> =>
  new Map(
    linearTargets(config).flatMap(({ name, inputs, outputs }) => [
      [loraInput(name, "A"), [1, inputs, rank]],
      [loraInput(name, "B"), [1, rank, outputs]]
    ])
  )

/** `weights`: those of the base; needed unless they are trained. */
export const make = (
  config: LlamaConfig,
  weights: ReadonlyMap<string, Float32Array>,
  { batch, sequence, train, rank }: Options
): Graph => {
  const graph = new Graph()
  const size = config.head_dim
  const tokens = graph.input("tokens", [batch, sequence], "int64")
  const targets = graph.input("targets", [batch * sequence], "int64")
  const counts = graph.input("counts", [batch * sequence])
  const base = new Map<string, Value>()
  for (const [name, shape] of weightShapes(config)) {
    base.set(name, train === "base" ? graph.input(name, shape) : graph.initializer(name, shape, weights.get(name)!))
  }
  const layer = new Map<string, Value>()
  if (train !== "base" && rank > 0) {
    for (const [name, shape] of layerShapes(config, rank)) layer.set(name, graph.input(name, shape))
  }

  const tables = Llama.rotaryTables(config, sequence)
  const logits = Llama.decode(graph, {
    config,
    weight: (name) => base.get(name)!,
    lora: (module) => {
      const a = layer.get(loraInput(module, "A"))
      const b = layer.get(loraInput(module, "B"))
      return a === undefined || b === undefined ? undefined : { a, b }
    },
    tokens,
    cos: graph.initializer("cos", [sequence, size], tables.cos),
    sin: graph.initializer("sin", [sequence, size], tables.sin),
    bias: graph.initializer("causal", [sequence, sequence], causalBias(sequence)),
    remember: (_block, _what, value) => value
  })

  const flat = graph.reshape(logits, [batch * sequence, config.vocab_size])
  const likelihood = graph.mul(graph.logSoftmax(flat), graph.oneHot(targets, config.vocab_size))
  const perToken = graph.reshape(graph.sum(likelihood, [1]), [batch * sequence])
  const counted = graph.sum(graph.mul(perToken, counts), [0])
  const loss = graph.neg(graph.div(counted, graph.sum(counts, [0])))
  graph.output(loss, "loss")
  graph.output(
    graph.op("ArgMax", [flat], [batch * sequence], { type: "int64", attributes: { axis: -1, keepdims: 0 } }),
    "predicted"
  )
  if (train !== "none") {
    const trained = [...(train === "base" ? base : layer).values()]
    for (const [i, gradient] of gradients(graph, loss, trained).entries()) {
      graph.output(gradient, gradientOutput(trained[i]!.name))
    }
  }
  return graph
}

const causalBias = (sequence: number): Float32Array => {
  const bias = new Float32Array(sequence * sequence)
  for (let query = 0; query < sequence; query++) {
    bias.fill(Llama.maskedScore, query * sequence + query + 1, (query + 1) * sequence)
  }
  return bias
}
