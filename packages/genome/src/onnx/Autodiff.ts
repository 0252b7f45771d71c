/**
 * Reverse-mode differentiation: adds to a graph the nodes that compute the gradient of one number with respect to some of
 * its values (Baydin and others, Automatic Differentiation in Machine Learning, 2018).
 *
 * The graph must have numbers as dimensions. Operators without a rule here are a defect of whoever built the graph, and
 * throw; those that no wanted gradient passes through need no rule.
 */
import type { Graph, Node, Value } from "./Graph.ts"

/** The gradients of `loss`, a value of one element, in the order of `values` and each of its value's shape. */
export const gradients = (graph: Graph, loss: Value, values: ReadonlyArray<Value>): ReadonlyArray<Value> => {
  const forward = [...graph.nodes]
  /** Values that depend on a wanted one. */
  const active = new Set(values.map(({ name }) => name))
  for (const { inputs, output } of forward) {
    if (inputs.some(({ name }) => active.has(name))) active.add(output.name)
  }
  const found = new Map<string, Value>([[loss.name, ones(graph, loss)]])
  for (const node of forward.toReversed()) {
    const gradient = found.get(node.output.name)
    if (gradient === undefined || !active.has(node.output.name)) continue
    const rule = rules[node.op]
    if (rule === undefined) throw new Error(`${node.op} has no gradient`)
    for (const [i, input] of node.inputs.entries()) {
      if (!active.has(input.name)) continue
      const part = rule(graph, node, gradient, i)
      const others = found.get(input.name)
      found.set(input.name, others === undefined ? part : graph.add(others, part))
    }
  }
  return values.map((value) => {
    const gradient = found.get(value.name)
    if (gradient === undefined) throw new Error(`The loss does not depend on ${value.name}`)
    return gradient
  })
}

/** The gradient of the node's input `i`, given that of its output. */
type Rule = (graph: Graph, node: Node, gradient: Value, i: number) => Value

const rules: { readonly [op: string]: Rule | undefined } = {
  Add: (graph, { inputs }, gradient, i) => unbroadcast(graph, gradient, inputs[i]!),
  Sub: (graph, { inputs }, gradient, i) => unbroadcast(graph, i === 0 ? gradient : graph.neg(gradient), inputs[i]!),
  Mul: (graph, { inputs }, gradient, i) => unbroadcast(graph, graph.mul(gradient, inputs[1 - i]!), inputs[i]!),
  Div: (graph, { inputs, output }, gradient, i) => {
    const quotient = graph.div(gradient, inputs[1]!)
    return unbroadcast(graph, i === 0 ? quotient : graph.neg(graph.mul(quotient, output)), inputs[i]!)
  },
  Neg: (graph, _, gradient) => graph.neg(gradient),
  Sqrt: (graph, { output }, gradient) => graph.div(graph.mul(gradient, graph.scalar(0.5)), output),
  Reciprocal: (graph, { output }, gradient) => graph.neg(graph.mul(gradient, graph.mul(output, output))),
  Sigmoid: (graph, { output }, gradient) => graph.mul(gradient, graph.mul(output, graph.sub(graph.scalar(1), output))),
  Softmax: (graph, { output }, gradient) => {
    const weighted = graph.mul(output, gradient)
    return graph.sub(weighted, graph.mul(output, graph.sum(weighted, [output.shape.length - 1])))
  },
  LogSoftmax: (graph, { inputs, output }, gradient) =>
    graph.sub(gradient, graph.mul(graph.softmax(inputs[0]!), graph.sum(gradient, [output.shape.length - 1]))),
  MatMul: (graph, { inputs: [a, b] }, gradient, i) => {
    if (i === 0) return unbroadcast(graph, graph.matmul(gradient, graph.transposeMatrix(b!)), a!)
    // One matrix on the right meets every row of the left: one product over all rows, and no sum over a batch.
    if (
      numbers(b!)
        .slice(0, -2)
        .every((size) => size === 1)
    ) {
      const product = graph.matmul(graph.transposeMatrix(rows(graph, a!)), rows(graph, gradient))
      return graph.reshape(product, numbers(b!))
    }
    return unbroadcast(graph, graph.matmul(graph.transposeMatrix(a!), gradient), b!)
  },
  Reshape: (graph, { inputs }, gradient) => graph.reshape(gradient, numbers(inputs[0]!)),
  Unsqueeze: (graph, { inputs }, gradient) => graph.reshape(gradient, numbers(inputs[0]!)),
  Identity: (_graph, _node, gradient) => gradient,
  Transpose: (graph, { attributes }, gradient) => {
    const permutation = attributes["perm"] as ReadonlyArray<number>
    return graph.transpose(
      gradient,
      permutation.map((_, axis) => permutation.indexOf(axis))
    )
  },
  ReduceMean: (graph, { inputs }, gradient) => {
    const width = numbers(inputs[0]!).at(-1)!
    return expand(graph, graph.div(gradient, graph.scalar(width)), inputs[0]!)
  },
  ReduceSum: (graph, { inputs }, gradient) => expand(graph, gradient, inputs[0]!),
  // Each index adds its row of the gradient to the row that it took: a product with the indices as one-hot rows.
  Gather: (graph, { inputs: [table, indices] }, gradient) => {
    const flat = graph.reshape(indices!, [-1], [numbers(indices!).reduce((product, size) => product * size, 1)])
    const hot = graph.oneHot(flat, numbers(table!)[0]!)
    return graph.matmul(graph.transposeMatrix(hot), rows(graph, gradient))
  }
}

const numbers = ({ name, shape }: Value): ReadonlyArray<number> => {
  for (const size of shape) if (typeof size !== "number") throw new Error(`${name} has a dimension without a number`)
  return shape as ReadonlyArray<number>
}

const ones = (graph: Graph, value: Value): Value => {
  if (numbers(value).some((size) => size !== 1)) throw new RangeError(`${value.name} has more than one element`)
  return value.shape.length === 0 ? graph.scalar(1) : graph.reshape(graph.scalar(1), numbers(value))
}

/** All dimensions but the last as one. */
const rows = (graph: Graph, value: Value): Value => {
  const sizes = numbers(value)
  const width = sizes.at(-1)!
  return graph.reshape(value, [sizes.slice(0, -1).reduce((product, size) => product * size, 1), width])
}

const expand = (graph: Graph, value: Value, like: Value): Value =>
  graph.op("Expand", [value, graph.integers(numbers(like))], like.shape)

/** Sums over the dimensions along which `like` was repeated to the shape of `value`. */
const unbroadcast = (graph: Graph, value: Value, like: Value): Value => {
  const [from, to] = [numbers(value), numbers(like)]
  const extra = from.length - to.length
  const axes = [...from.keys()].filter((axis) => axis < extra || (to[axis - extra] === 1 && from[axis] !== 1))
  const summed = axes.length === 0 ? value : graph.sum(value, axes)
  return extra === 0 ? summed : graph.reshape(summed, to)
}
