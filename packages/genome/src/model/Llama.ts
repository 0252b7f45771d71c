/**
 * The mathematics of Llama as a graph: RMSNorm, rotary positions, attention with grouped heads, SwiGLU; the same as
 * Hugging Face transformers computes (modeling_llama.py), so that the same weights give the same text there.
 *
 * Used twice: with numbers as dimensions for training, with named ones and a KV cache for inference.
 */
import * as DeterministicMath from "@continuum/core/DeterministicMath"
import type { Graph, Value } from "../onnx/Graph.ts"
import { type LinearModule, type LlamaConfig, moduleName } from "./LlamaConfig.ts"

/** The two matrices of a layer for one module, as graph values. */
export interface LoraValues {
  /** [1, inputs, rank] */
  readonly a: Value
  /** [1, rank, outputs], with the layer's scale in it. */
  readonly b: Value
  /** [1 or batch, 1, rank] of booleans: the ranks that a row takes part in. Absent: all. */
  readonly rows?: Value
}

export interface Decoder {
  readonly config: LlamaConfig
  /** A weight by its name in `model.safetensors`. */
  readonly weight: (name: string) => Value
  /** What a layer adds to a module; `undefined` where layers have no part. */
  readonly lora: (module: string) => LoraValues | undefined
  /** Token ids, [batch, sequence]. */
  readonly tokens: Value
  /** Rotations for each position, that broadcast to [batch, heads, sequence, head_dim]. */
  readonly cos: Value
  readonly sin: Value
  /** Added to the scores: 0 where a query may look, very negative where not. Broadcasts to [batch, heads, 1, sequence, total]. */
  readonly bias: Value
  /** Takes the new keys and values of a block, [batch, key heads, sequence, head_dim]; gives all, those before included. */
  readonly remember: (block: number, what: "key" | "value", value: Value) => Value
}

/** Logits [batch, sequence, vocabulary]. */
export const decode = (graph: Graph, decoder: Decoder): Value => {
  const { config, weight } = decoder
  const [batch, sequence] = decoder.tokens.shape as [number, number]
  let x = graph.gather(weight("model.embed_tokens.weight"), decoder.tokens)
  for (let block = 0; block < config.num_hidden_layers; block++) {
    const normed = norm(graph, decoder, x, moduleName(block, "input_layernorm"))
    x = graph.add(x, attention(graph, decoder, block, normed, [batch, sequence]))
    const after = norm(graph, decoder, x, moduleName(block, "post_attention_layernorm"))
    x = graph.add(x, feedForward(graph, decoder, block, after))
  }
  const head = graph.transposeMatrix(weight("lm_head.weight"))
  return graph.matmul(norm(graph, decoder, x, "model.norm"), head)
}

/** x / sqrt(mean(x^2) + eps) * weight (Zhang and Sennrich, 2019). */
const norm = (graph: Graph, { config, weight }: Decoder, x: Value, name: string): Value => {
  const variance = graph.add(graph.mean(graph.mul(x, x)), graph.scalar(config.rms_norm_eps))
  return graph.mul(graph.mul(x, graph.reciprocal(graph.sqrt(variance))), weight(`${name}.weight`))
}

/** x W^T + (x A) B. */
const linear = (graph: Graph, decoder: Decoder, block: number, module: LinearModule, x: Value): Value => {
  const name = moduleName(block, module)
  const y = graph.matmul(x, graph.transposeMatrix(decoder.weight(`${name}.weight`)))
  const lora = decoder.lora(name)
  if (lora === undefined) return y
  const down = graph.op("MatMul", [x, lora.a], [...x.shape.slice(0, -1), lora.a.shape.at(-1)!])
  // All layers of a batch side by side, as one product, and then each row keeps what is its own: chosen and not
  // multiplied by 0, which would keep an infinity of a neighbor's layer.
  const own = lora.rows === undefined ? down : graph.op("Where", [lora.rows, down, graph.scalar(0)], down.shape)
  const change = graph.op("MatMul", [own, lora.b], y.shape)
  return graph.op("Add", [y, change], y.shape)
}

const attention = (
  graph: Graph,
  decoder: Decoder,
  block: number,
  x: Value,
  [batch, sequence]: [number, number]
): Value => {
  const { config, cos, sin, bias, remember } = decoder
  const { head_dim: size, num_attention_heads: heads, num_key_value_heads: keyHeads } = config
  const group = heads / keyHeads
  const split = (value: Value, count: number) =>
    graph.transpose(graph.reshape(value, [0, 0, count, size], [batch, sequence, count, size]), [0, 2, 1, 3])
  const rotation = rotationMatrix(graph, size)
  const rotate = (value: Value) => {
    const turned = graph.matmul(value, rotation)
    return graph.add(graph.op("Mul", [value, cos], value.shape), graph.op("Mul", [turned, sin], value.shape))
  }
  const project = (module: "q_proj" | "k_proj" | "v_proj") => linear(graph, decoder, block, `self_attn.${module}`, x)
  const query = rotate(split(project("q_proj"), heads))
  const key = remember(block, "key", rotate(split(project("k_proj"), keyHeads)))
  const value = remember(block, "value", split(project("v_proj"), keyHeads))
  // [batch, key heads, group, sequence, size]: each key and value meets its group of queries.
  const grouped = graph.reshape(query, [0, keyHeads, group, -1, size], [batch, keyHeads, group, sequence, size])
  const scores = graph.matmul(grouped, graph.transposeMatrix(graph.unsqueeze(key, [2])))
  const scaled = graph.mul(scores, graph.scalar(1 / Math.sqrt(size)))
  const weights = graph.softmax(graph.op("Add", [scaled, bias], scaled.shape))
  const mixed = graph.matmul(weights, graph.unsqueeze(value, [2]))
  const flat = graph.reshape(mixed, [0, heads, -1, size], [batch, heads, sequence, size])
  const joined = graph.reshape(
    graph.transpose(flat, [0, 2, 1, 3]),
    [0, 0, heads * size],
    [batch, sequence, heads * size]
  )
  return linear(graph, decoder, block, "self_attn.o_proj", joined)
}

/** SwiGLU (Shazeer, 2020): (silu(x G) * x U) D. */
const feedForward = (graph: Graph, decoder: Decoder, block: number, x: Value): Value => {
  const gate = linear(graph, decoder, block, "mlp.gate_proj", x)
  const up = linear(graph, decoder, block, "mlp.up_proj", x)
  const activated = graph.mul(graph.mul(gate, graph.sigmoid(gate)), up)
  return linear(graph, decoder, block, "mlp.down_proj", activated)
}

/** Maps the halves (p, q) of a head to (-q, p), as `rotate_half` does. */
const rotationMatrix = (graph: Graph, size: number): Value => {
  const known = graph.initializers.get("rotation")
  if (known !== undefined) return known.value
  const half = size / 2
  const matrix = new Float32Array(size * size)
  for (let i = 0; i < half; i++) {
    matrix[(i + half) * size + i] = -1
    matrix[i * size + i + half] = 1
  }
  return graph.initializer("rotation", [size, size], matrix)
}

/** Cosines and sines of the rotary positions 0 to `positions - 1` (Su and others, RoFormer, 2021), each [positions, head_dim]. */
export const rotaryTables = (config: LlamaConfig, positions: number) => {
  const size = config.head_dim
  const half = size / 2
  const cos = new Float32Array(positions * size)
  const sin = new Float32Array(positions * size)
  for (let i = 0; i < half; i++) {
    const frequency = DeterministicMath.pow(config.rope_theta, -i / half)
    for (let position = 0; position < positions; position++) {
      const at = position * size + i
      cos[at] = cos[at + half] = DeterministicMath.cos(position * frequency)
      sin[at] = sin[at + half] = DeterministicMath.sin(position * frequency)
    }
  }
  return { cos, sin }
}

/** Added to a score that must not count. Far below any real one, and finite, so that a row of them has a softmax. */
export const maskedScore = -1e9
