/**
 * Builds an ONNX graph (https://onnx.ai/onnx/operators, opset 18) operator by operator, with the shape of each value
 * known on the way, so that a mistake shows where it was made and gradients can be derived.
 *
 * Values are 32-bit floats unless they say otherwise. A dimension is a number, or a name for one that only a run knows.
 */

export type Dimension = number | string
export type Shape = ReadonlyArray<Dimension>
export type ElementType = "float" | "int64" | "bool"
type Numbers = Float32Array | BigInt64Array

/** One tensor in the graph. */
export interface Value {
  readonly name: string
  readonly shape: Shape
  readonly type: ElementType
}

export type Attribute = number | ReadonlyArray<number>

export interface Node {
  readonly op: string
  readonly inputs: ReadonlyArray<Value>
  readonly output: Value
  /** Whole numbers and lists of them. */
  readonly attributes: { readonly [name: string]: Attribute }
}

interface OpOptions {
  readonly attributes?: { readonly [name: string]: Attribute }
  readonly type?: ElementType
  /** Name of the result; default: made up. */
  readonly name?: string
}

export class Graph {
  /** In an order in which they can be computed. */
  readonly nodes: Array<Node> = []
  readonly inputs: Array<Value> = []
  readonly outputs: Array<Value> = []
  readonly initializers = new Map<string, { readonly value: Value; readonly data: Numbers }>()
  private readonly constants = new Map<string, Value>()
  private count = 0

  input(name: string, shape: Shape, type: ElementType = "float"): Value {
    const value: Value = { name, shape, type }
    this.inputs.push(value)
    return value
  }

  /** A tensor that is part of the model. */
  initializer(name: string, shape: ReadonlyArray<number>, data: Numbers): Value {
    const elements = shape.reduce((product, size) => product * size, 1)
    if (elements !== data.length) throw new RangeError(`${name}: ${data.length} numbers for [${shape.join(", ")}]`)
    const value: Value = { name, shape, type: data instanceof Float32Array ? "float" : "int64" }
    this.initializers.set(name, { value, data })
    return value
  }

  /** A number. */
  scalar(value: number): Value {
    return this.constant(`f${value}`, [], Float32Array.of(value))
  }

  /** A list of whole numbers, such as axes or a shape. */
  integers(values: ReadonlyArray<number>): Value {
    return this.constant(`i${values.join()}`, [values.length], BigInt64Array.from(values.map(BigInt)))
  }

  /** A whole number without a dimension. */
  integer(value: number): Value {
    return this.constant(`s${value}`, [], BigInt64Array.of(BigInt(value)))
  }

  /** Any operator with one result of this shape. */
  op(op: string, inputs: ReadonlyArray<Value>, shape: Shape, options: OpOptions = {}): Value {
    const output: Value = { name: options.name ?? this.fresh(op), shape, type: options.type ?? "float" }
    this.nodes.push({ op, inputs, output, attributes: options.attributes ?? {} })
    return output
  }

  /** Makes a value a result of the graph, under this name. */
  output(value: Value, name: string): Value {
    const named = value.name === name ? value : this.op("Identity", [value], value.shape, { type: value.type, name })
    this.outputs.push(named)
    return named
  }

  add(a: Value, b: Value): Value {
    return this.op("Add", [a, b], broadcast(a.shape, b.shape))
  }
  sub(a: Value, b: Value): Value {
    return this.op("Sub", [a, b], broadcast(a.shape, b.shape))
  }
  mul(a: Value, b: Value): Value {
    return this.op("Mul", [a, b], broadcast(a.shape, b.shape))
  }
  div(a: Value, b: Value): Value {
    return this.op("Div", [a, b], broadcast(a.shape, b.shape))
  }
  neg(a: Value): Value {
    return this.op("Neg", [a], a.shape)
  }
  sqrt(a: Value): Value {
    return this.op("Sqrt", [a], a.shape)
  }
  reciprocal(a: Value): Value {
    return this.op("Reciprocal", [a], a.shape)
  }
  sigmoid(a: Value): Value {
    return this.op("Sigmoid", [a], a.shape)
  }
  /** Over the last dimension. */
  softmax(a: Value): Value {
    return this.op("Softmax", [a], a.shape, { attributes: { axis: -1 } })
  }
  /** Logarithm of `softmax`, without its underflow. */
  logSoftmax(a: Value): Value {
    return this.op("LogSoftmax", [a], a.shape, { attributes: { axis: -1 } })
  }

  /** Products of the matrices in the last two dimensions; the others broadcast. */
  matmul(a: Value, b: Value): Value {
    const [inner, rows] = [a.shape.at(-1)!, b.shape.at(-2)!]
    if (inner !== rows) throw new RangeError(`MatMul of [${a.shape.join(", ")}] and [${b.shape.join(", ")}]`)
    const outer = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2))
    return this.op("MatMul", [a, b], [...outer, a.shape.at(-2)!, b.shape.at(-1)!])
  }

  /** `sizes` as the operator takes them: 0 keeps the size at its place. `shape` names the result where sizes do not. */
  reshape(a: Value, sizes: ReadonlyArray<number>, shape?: Shape): Value {
    const result = shape ?? sizes.map((size, i) => (size === 0 ? a.shape[i]! : size))
    return this.op("Reshape", [a, this.integers(sizes)], result, { type: a.type })
  }

  transpose(a: Value, permutation: ReadonlyArray<number>): Value {
    const shape = permutation.map((from) => a.shape[from]!)
    return this.op("Transpose", [a], shape, { attributes: { perm: permutation } })
  }

  /** The matrices in the last two dimensions, transposed. */
  transposeMatrix(a: Value): Value {
    const rank = a.shape.length
    return this.transpose(a, [...a.shape.keys()].slice(0, -2).concat(rank - 1, rank - 2))
  }

  /** Inserts dimensions of size 1; `axes` are places in the result, ascending. */
  unsqueeze(a: Value, axes: ReadonlyArray<number>): Value {
    const shape = axes.reduce<Array<Dimension>>((sizes, axis) => sizes.toSpliced(axis, 0, 1), [...a.shape])
    return this.op("Unsqueeze", [a, this.integers(axes)], shape, { type: a.type })
  }

  /** Sum over some dimensions, which stay with size 1. `axes` from 0. */
  sum(a: Value, axes: ReadonlyArray<number>): Value {
    const shape = a.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
    return this.op("ReduceSum", [a, this.integers(axes)], shape, { attributes: { keepdims: 1 } })
  }

  /** Mean over the last dimension, which stays with size 1. */
  mean(a: Value): Value {
    return this.op("ReduceMean", [a, this.integers([-1])], [...a.shape.slice(0, -1), 1], {
      attributes: { keepdims: 1 }
    })
  }

  /** Rows of `a` by whole numbers of any shape. */
  gather(a: Value, indices: Value): Value {
    return this.op("Gather", [a, indices], [...indices.shape, ...a.shape.slice(1)], {
      attributes: { axis: 0 },
      type: a.type
    })
  }

  /** For each whole number of `indices` a row of `depth` zeros with a 1 at its place. */
  oneHot(indices: Value, depth: number): Value {
    const values = this.constant("onehot", [2], Float32Array.of(0, 1))
    return this.op("OneHot", [indices, this.integer(depth), values], [...indices.shape, depth], {
      attributes: { axis: -1 }
    })
  }

  private constant(key: string, shape: ReadonlyArray<number>, data: Numbers): Value {
    const known = this.constants.get(key)
    if (known !== undefined) return known
    const value = this.initializer(this.fresh("constant"), shape, data)
    this.constants.set(key, value)
    return value
  }

  private fresh(stem: string): string {
    return `${stem}_${this.count++}`
  }
}

/** The shape of an element-wise operator of two shapes, as numpy has it. A named size only fits itself and 1. */
export const broadcast = (a: Shape, b: Shape): Shape => {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, axis) => {
    const x = a[axis - rank + a.length] ?? 1
    const y = b[axis - rank + b.length] ?? 1
    if (x !== 1 && y !== 1 && x !== y) throw new RangeError(`[${a.join(", ")}] and [${b.join(", ")}] do not broadcast`)
    return x === 1 ? y : x
  })
}
