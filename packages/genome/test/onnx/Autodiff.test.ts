import * as RandomStream from "@continuum/genome/model/RandomStream"
import { gradients } from "@continuum/genome/onnx/Autodiff"
import { Graph, type Shape, type Value } from "@continuum/genome/onnx/Graph"
import { weightShapes } from "@continuum/genome/model/LlamaConfig"
import * as TrainingGraph from "@continuum/genome/train/TrainingGraph"
import { assert, describe, it } from "@effect/vitest"
import * as SmallModel from "../support/SmallModel.ts"
import { type Array64, evaluate } from "./Evaluate.ts"

const sizeOf = (shape: Shape) => (shape as ReadonlyArray<number>).reduce((product, size) => product * size, 1)

const randomArray = (shape: Shape, random: RandomStream.RandomStream): Array64 => ({
  shape: shape as ReadonlyArray<number>,
  data: Array.from({ length: sizeOf(shape) }, () => 0.5 + random())
})

/**
 * Compares every derivative with the slope of the loss between two points close by (central differences: an error of
 * about 1e-9 here, in 64 bits).
 */
const check = (
  graph: Graph,
  loss: Value,
  wanted: ReadonlyArray<Value>,
  inputs: ReadonlyMap<string, Array64>,
  each = 1
) => {
  const lossAt = (values: ReadonlyMap<string, Array64>) => evaluate(graph, values).get(loss.name)!.data[0]!
  const derived = gradients(graph, loss, wanted)
  const values = evaluate(graph, inputs)
  for (const [i, value] of wanted.entries()) {
    const gradient = values.get(derived[i]!.name)!
    assert.deepStrictEqual(derived[i]!.shape, value.shape, value.name)
    const original = inputs.get(value.name)!
    assert.strictEqual(gradient.data.length, original.data.length)
    for (let at = 0; at < original.data.length; at += each) {
      const moved = (by: number) => {
        const data = original.data.with(at, original.data[at]! + by)
        return lossAt(new Map(inputs).set(value.name, { ...original, data }))
      }
      const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5
      assert.closeTo(gradient.data[at]!, slope, 1e-7 * Math.max(1, Math.abs(slope)), `${value.name}[${at}]`)
    }
  }
}

/** A loss in which every element of a value counts differently. */
const weigh = (graph: Graph, value: Value): Value => {
  const rank = value.shape.length
  const data = Float32Array.from({ length: sizeOf(value.shape) }, (_, i) => 1 + ((i * 7) % 5))
  const weights = graph.initializer("weights", value.shape as ReadonlyArray<number>, data)
  const sum = graph.sum(graph.mul(value, weights), [...Array.from({ length: rank }).keys()])
  return graph.reshape(sum, [1])
}

const cases: {
  readonly [name: string]: readonly [
    shapes: ReadonlyArray<Shape>,
    build: (graph: Graph, ...values: Array<Value>) => Value
  ]
} = {
  "Add with broadcast on both sides": [
    [
      [2, 1, 3],
      [4, 1]
    ],
    (g, a, b) => g.add(a!, b!)
  ],
  "Sub with broadcast": [[[2, 3], [3]], (g, a, b) => g.sub(a!, b!)],
  "Sub with broadcast on the left": [[[3], [2, 3]], (g, a, b) => g.sub(a!, b!)],
  "Mul with broadcast": [
    [
      [2, 3],
      [1, 3]
    ],
    (g, a, b) => g.mul(a!, b!)
  ],
  "Mul of a value with itself": [[[2, 3]], (g, a) => g.mul(a!, a!)],
  "Div with broadcast": [
    [
      [2, 3],
      [2, 1]
    ],
    (g, a, b) => g.div(a!, b!)
  ],
  "Neg, Sqrt, Reciprocal, Sigmoid": [[[5]], (g, a) => g.neg(g.sqrt(g.reciprocal(g.sigmoid(a!))))],
  Softmax: [[[2, 4]], (g, a) => g.softmax(a!)],
  LogSoftmax: [[[2, 4]], (g, a) => g.logSoftmax(a!)],
  "MatMul of matrices": [
    [
      [2, 3],
      [3, 4]
    ],
    (g, a, b) => g.matmul(a!, b!)
  ],
  "MatMul of a batch with one matrix": [
    [
      [2, 5, 3],
      [3, 4]
    ],
    (g, a, b) => g.matmul(a!, b!)
  ],
  "MatMul of a batch with one matrix that has a dimension for it": [
    [
      [2, 5, 3],
      [1, 3, 4]
    ],
    (g, a, b) => g.matmul(a!, b!)
  ],
  "MatMul of two batches that broadcast": [
    [
      [2, 1, 2, 3],
      [4, 3, 2]
    ],
    (g, a, b) => g.matmul(a!, b!)
  ],
  "Reshape, Transpose, Unsqueeze": [
    [[2, 3, 4]],
    (g, a) => g.unsqueeze(g.transpose(g.reshape(a!, [4, 6]), [1, 0]), [1])
  ],
  "ReduceMean, ReduceSum": [[[2, 3, 4]], (g, a) => g.sum(g.mean(g.mul(a!, a!)), [1])],
  "Gather with an index that comes twice": [
    [[4, 3]],
    (g, a) => g.gather(a!, g.initializer("rows", [2, 2], BigInt64Array.of(3n, 0n, 3n, 1n)))
  ]
}

describe("Autodiff", () => {
  for (const [name, [shapes, build]] of Object.entries(cases)) {
    it(`derives as finite differences do: ${name}`, () => {
      const random = RandomStream.make(11)
      const graph = new Graph()
      const values = shapes.map((shape, i) => graph.input(`input${i}`, shape))
      const inputs = new Map(values.map((value) => [value.name, randomArray(value.shape, random)]))
      check(graph, weigh(graph, build(graph, ...values)), values, inputs)
    })
  }

  it("derives the whole model as finite differences do, with grouped heads", () => {
    const config = {
      ...SmallModel.config,
      vocab_size: 7,
      hidden_size: 6,
      intermediate_size: 5,
      head_dim: 4,
      num_hidden_layers: 1
    }
    const random = RandomStream.make(12)
    const graph = TrainingGraph.make(config, new Map(), { batch: 2, sequence: 3, train: "base", rank: 0 })
    const inputs = new Map<string, Array64>([
      ["tokens", { shape: [2, 3], data: [1, 2, 3, 3, 0, 6] }],
      ["targets", { shape: [6], data: [2, 3, 1, 0, 6, 5] }],
      ["counts", { shape: [6], data: [0, 1, 1, 1, 0, 1] }]
    ])
    for (const [name, shape] of weightShapes(config)) inputs.set(name, randomArray(shape, random))
    const wanted = graph.inputs.filter(({ name }) => name.includes("."))
    const loss = graph.outputs.find(({ name }) => name === "loss")!
    check(graph, loss, wanted, inputs, 11)
  })

  it("says which operator has no rule, and which value the loss does not depend on", () => {
    const graph = new Graph()
    const a = graph.input("a", [2])
    const b = graph.input("b", [2])
    const loss = graph.sum(graph.op("Erf", [a], [2]), [0])
    assert.throws(() => gradients(graph, loss, [a]), /Erf has no gradient/)
    assert.throws(() => gradients(graph, graph.sum(a, [0]), [b]), /does not depend on b/)
    assert.throws(() => gradients(graph, a, [a]), /more than one element/)
  })
})
