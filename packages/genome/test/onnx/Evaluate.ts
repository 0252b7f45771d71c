/**
 * Computes a graph in 64-bit floats, slowly and plainly: what derivatives are checked against, to many more digits than
 * onnxruntime's 32 bits would allow.
 */
import type { Graph, Node } from "@continuum/genome/onnx/Graph"

export interface Array64 {
  readonly shape: ReadonlyArray<number>
  readonly data: ReadonlyArray<number>
}

export const evaluate = (graph: Graph, inputs: ReadonlyMap<string, Array64>): ReadonlyMap<string, Array64> => {
  const values = new Map(inputs)
  for (const [name, { value, data }] of graph.initializers) {
    values.set(name, { shape: value.shape as ReadonlyArray<number>, data: Array.from(data, Number) })
  }
  for (const node of graph.nodes) {
    values.set(
      node.output.name,
      operators[node.op]!(
        node.inputs.map(({ name }) => values.get(name)!),
        node
      )
    )
  }
  return values
}

const size = (shape: ReadonlyArray<number>) => shape.reduce((product, one) => product * one, 1)

/** Each index of a shape, first dimension slowest. */
const indices = (shape: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<number>> =>
  Array.from({ length: size(shape) }, (_, flat) => {
    const index: Array<number> = []
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = flat % shape[axis]!
      flat = Math.floor(flat / shape[axis]!)
    }
    return index
  })

/** The element at an index of a shape that this one broadcasts to. */
const at = ({ shape, data }: Array64, index: ReadonlyArray<number>): number => {
  let flat = 0
  for (const [axis, length] of shape.entries()) {
    const i = index[index.length - shape.length + axis]!
    flat = flat * length + (length === 1 ? 0 : i)
  }
  return data[flat]!
}

const build = (shape: ReadonlyArray<number>, value: (index: ReadonlyArray<number>) => number): Array64 => ({
  shape,
  data: indices(shape).map(value)
})

type Operator = (inputs: ReadonlyArray<Array64>, node: Node) => Array64

const elementwise =
  (operation: (...values: Array<number>) => number): Operator =>
  (inputs, { output }) =>
    build(output.shape as ReadonlyArray<number>, (index) => operation(...inputs.map((input) => at(input, index))))

/** Over the last dimension. */
const byRow =
  (operation: (row: ReadonlyArray<number>) => ReadonlyArray<number>): Operator =>
  ([input], { output }) => {
    const width = input!.shape.at(-1)!
    const rows = Array.from({ length: input!.data.length / width }, (_, row) =>
      operation(input!.data.slice(row * width, (row + 1) * width))
    )
    return { shape: output.shape as ReadonlyArray<number>, data: rows.flat() }
  }

const softmax = (row: ReadonlyArray<number>) => {
  const largest = Math.max(...row)
  const weights = row.map((value) => Math.exp(value - largest))
  const total = weights.reduce((sum, value) => sum + value, 0)
  return weights.map((value) => value / total)
}

const same: Operator = ([input], { output }) => ({ shape: output.shape as ReadonlyArray<number>, data: input!.data })

const operators: { readonly [op: string]: Operator | undefined } = {
  Add: elementwise((a, b) => a! + b!),
  Sub: elementwise((a, b) => a! - b!),
  Mul: elementwise((a, b) => a! * b!),
  Div: elementwise((a, b) => a! / b!),
  Neg: elementwise((a) => -a!),
  Sqrt: elementwise((a) => Math.sqrt(a!)),
  Reciprocal: elementwise((a) => 1 / a!),
  Sigmoid: elementwise((a) => 1 / (1 + Math.exp(-a!))),
  Softmax: byRow(softmax),
  LogSoftmax: byRow((row) => softmax(row).map(Math.log)),
  ReduceMean: byRow((row) => [row.reduce((sum, value) => sum + value, 0) / row.length]),
  ReduceSum: ([input, axes], { output }) => {
    const data = Array.from({ length: size(output.shape as ReadonlyArray<number>) }, () => 0)
    const kept = output.shape as ReadonlyArray<number>
    for (const index of indices(input!.shape)) {
      const to = index.map((i, axis) => (axes!.data.includes(axis) ? 0 : i))
      data[to.reduce((flat, i, axis) => flat * kept[axis]! + i, 0)]! += at(input!, index)
    }
    return { shape: kept, data }
  },
  MatMul: ([a, b], { output }) =>
    build(output.shape as ReadonlyArray<number>, (index) => {
      const [outer, row, column] = [index.slice(0, -2), index.at(-2)!, index.at(-1)!]
      let sum = 0
      for (let k = 0; k < a!.shape.at(-1)!; k++) sum += at(a!, [...outer, row, k]) * at(b!, [...outer, k, column])
      return sum
    }),
  Reshape: same,
  Unsqueeze: same,
  Identity: same,
  Expand: elementwise((a) => a!),
  Transpose: ([input], { attributes, output }) => {
    const permutation = attributes["perm"] as ReadonlyArray<number>
    return build(output.shape as ReadonlyArray<number>, (index) =>
      at(
        input!,
        permutation.map((_, axis) => index[permutation.indexOf(axis)]!)
      )
    )
  },
  Gather: ([table, rows], { output }) => {
    const width = size(table!.shape.slice(1))
    const data = rows!.data.flatMap((row) => table!.data.slice(row * width, (row + 1) * width))
    return { shape: output.shape as ReadonlyArray<number>, data }
  },
  OneHot: ([rows, depth], { output }) => ({
    shape: output.shape as ReadonlyArray<number>,
    data: rows!.data.flatMap((row) => Array.from({ length: depth!.data[0]! }, (_, i) => (i === row ? 1 : 0)))
  }),
  ArgMax: byRow((row) => [row.indexOf(Math.max(...row))])
}
