/**
 * The graph that answers: a decoder with a KV cache, under the names that transformers.js and Optimum use
 * (`input_ids`, `attention_mask`, `position_ids`, `past_key_values.N.key`, `present.N.key`, `logits`).
 *
 * With layers, each linear module has two more inputs, A and B, so that other layers are other tensors and no other
 * session. The layers of all rows lie side by side in them, and `lora_rows` says which ranks are whose. Rank 0 is no layer.
 */
import { Graph, type Value } from "../onnx/Graph.ts"
import * as Llama from "./Llama.ts"
import { linearTargets, type LlamaConfig, weightShapes } from "./LlamaConfig.ts"

/** Names of the inputs for a module's layer. */
export const loraInput = (module: string, matrix: "A" | "B"): string => `${module}.lora_${matrix}`

/** Name of the input that says which ranks a row takes part in. */
export const loraRowsInput = "lora_rows"

/** Names of the keys or values of a block, before and after a run. */
export const pastInput = (block: number, what: "key" | "value"): string => `past_key_values.${block}.${what}`
export const presentOutput = (block: number, what: "key" | "value"): string => `present.${block}.${what}`

export const make = (
  config: LlamaConfig,
  weights: ReadonlyMap<string, Float32Array>,
  options: { readonly layers: boolean }
): Graph => {
  const graph = new Graph()
  const { head_dim: size, num_key_value_heads: keyHeads, max_position_embeddings: positions } = config
  const tokens = graph.input("input_ids", ["batch", "sequence"], "int64")
  const attended = graph.input("attention_mask", ["batch", "total"], "int64")
  const position = graph.input("position_ids", ["batch", "sequence"], "int64")
  const past = Array.from({ length: config.num_hidden_layers }, (_, block) => ({
    key: graph.input(pastInput(block, "key"), ["batch", keyHeads, "past", size]),
    value: graph.input(pastInput(block, "value"), ["batch", keyHeads, "past", size])
  }))
  const lora = new Map<string, Llama.LoraValues>()
  if (options.layers) {
    const rows = graph.input(loraRowsInput, ["layered", 1, "rank"], "bool")
    for (const { name, inputs, outputs } of linearTargets(config)) {
      lora.set(name, {
        a: graph.input(loraInput(name, "A"), [1, inputs, "rank"]),
        b: graph.input(loraInput(name, "B"), [1, "rank", outputs]),
        rows
      })
    }
  }
  const values = new Map<string, Value>()
  for (const [name, shape] of weightShapes(config)) values.set(name, graph.initializer(name, shape, weights.get(name)!))

  const tables = Llama.rotaryTables(config, positions)
  const rotation = (name: "cos" | "sin") =>
    graph.unsqueeze(graph.gather(graph.initializer(name, [positions, size], tables[name]), position), [1])

  const present: Array<readonly [string, Value]> = []
  const logits = Llama.decode(graph, {
    config,
    weight: (name) => values.get(name)!,
    lora: (module) => lora.get(module),
    tokens,
    cos: rotation("cos"),
    sin: rotation("sin"),
    bias: mask(graph, tokens, attended),
    remember: (block, what, value) => {
      const name = presentOutput(block, what)
      const all = graph.op("Concat", [past[block]![what], value], ["batch", keyHeads, "total", size], {
        attributes: { axis: 2 },
        name
      })
      present.push([name, all])
      return all
    }
  })
  graph.output(logits, "logits")
  for (const [name, value] of present) graph.output(value, name)
  return graph
}

/** [batch, 1, 1, sequence, total]: a token sees itself and those before it, where `attention_mask` has a 1. */
const mask = (graph: Graph, tokens: Value, attended: Value): Value => {
  const int64 = { type: "int64" } as const
  const bool = { type: "bool" } as const
  const sizeOf = (value: Value, axis: number) =>
    graph.op("Gather", [graph.op("Shape", [value], [value.shape.length], int64), graph.integer(axis)], [], {
      ...int64,
      attributes: { axis: 0 }
    })
  const range = (from: Value, to: Value, name: string) => graph.op("Range", [from, to, graph.integer(1)], [name], int64)
  const total = sizeOf(attended, 1)
  const before = graph.op("Sub", [total, sizeOf(tokens, 1)], [], int64)
  const queries = graph.unsqueeze(range(before, total, "sequence"), [1])
  const keys = range(graph.integer(0), total, "total")
  const causal = graph.op("LessOrEqual", [keys, queries], ["sequence", "total"], bool)
  const present = graph.op("Cast", [attended], attended.shape, { ...bool, attributes: { to: 9 } })
  const both = graph.op(
    "And",
    [graph.unsqueeze(causal, [0, 1, 2]), graph.unsqueeze(present, [1, 2, 3])],
    ["batch", 1, 1, "sequence", "total"],
    bool
  )
  return graph.op("Where", [both, graph.scalar(0), graph.scalar(Llama.maskedScore)], both.shape)
}
