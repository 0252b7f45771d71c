/**
 * Structured programs as trees, with two meanings: a WebAssembly binary, and an interpreter that counts instructions by
 * the metering rule as docs/PROTOCOL.md words it. The interpreter knows nothing of segments; it is the judge of them.
 */
import { Op } from "@continuum/runtime-wasm/rewrite/Opcode"
import { Writer } from "@continuum/runtime-wasm/rewrite/Writer"
import fc from "fast-check"

/** Locals of every function: two parameters, and these. */
const namedLocals = 4
const localCount = 2 + namedLocals

/** An expression that leaves one i32. Numbers that choose something are taken modulo what there is. */
export type Expression =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "local"; readonly local: number }
  | { readonly kind: "binary"; readonly operator: number; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "select"; readonly left: Expression; readonly right: Expression; readonly condition: Expression }
  | { readonly kind: "choose"; readonly condition: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly kind: "block"; readonly body: ReadonlyArray<Statement>; readonly value: Expression }
  | { readonly kind: "call"; readonly callee: number; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "callIndirect"; readonly entry: number; readonly left: Expression; readonly right: Expression }

/** A statement leaves nothing. Labels are depths, taken modulo how many there are. */
export type Statement =
  | { readonly kind: "set"; readonly local: number; readonly value: Expression }
  | { readonly kind: "if"; readonly condition: Expression; readonly yes: Body; readonly no: Body | null }
  | { readonly kind: "block"; readonly body: Body }
  | { readonly kind: "loop"; readonly body: Body }
  | { readonly kind: "br"; readonly label: number; readonly value: Expression }
  | { readonly kind: "brIf"; readonly label: number; readonly value: Expression; readonly condition: Expression }
  | { readonly kind: "brTable"; readonly labels: ReadonlyArray<number>; readonly index: Expression }
  | { readonly kind: "return"; readonly value: Expression }
  | { readonly kind: "unreachable" }
  | { readonly kind: "fill"; readonly length: Expression }
type Body = ReadonlyArray<Statement>

export interface FunctionTree {
  /** Locals that nobody uses, for the cost of entering. */
  readonly unusedLocals: number
  readonly body: Body
  readonly value: Expression
}

/** Functions of two i32 and an i32 result. The first is exported as `run`; those named in `table` are in a table. */
export interface Program {
  readonly functions: ReadonlyArray<FunctionTree>
  readonly table: ReadonlyArray<number>
}

const operators = [0x6a, 0x6b, 0x6c, 0x71, 0x73, 0x48, 0x46, 0x6d] as const
const dividesSigned = 0x6d

// --- generation

const trees = fc.letrec<{ expression: Expression; plain: Expression; statement: Statement; body: Body }>((tie) => {
  const leaf: fc.Arbitrary<Expression> = fc.oneof(
    fc.record({ kind: fc.constant("constant" as const), value: fc.integer({ min: -3, max: 6 }) }),
    fc.record({ kind: fc.constant("local" as const), local: fc.nat(20) })
  )
  const binary = (operand: fc.Arbitrary<Expression>): fc.Arbitrary<Expression> =>
    fc.record({ kind: fc.constant("binary" as const), operator: fc.nat(6), left: operand, right: operand })
  return {
    plain: fc.oneof({ maxDepth: 2, depthIdentifier: "plain" }, leaf, leaf, binary(tie("plain"))),
    expression: fc.oneof(
      { maxDepth: 3, depthIdentifier: "tree" },
      leaf,
      tie("plain"),
      binary(tie("expression")),
      fc.record({
        kind: fc.constant("binary" as const),
        operator: fc.constant(7),
        left: tie("plain"),
        right: tie("plain")
      }),
      fc.record({
        kind: fc.constant("select" as const),
        left: tie("expression"),
        right: tie("expression"),
        condition: tie("plain")
      }),
      fc.record({
        kind: fc.constant("choose" as const),
        condition: tie("plain"),
        yes: tie("expression"),
        no: tie("expression")
      }),
      fc.record({ kind: fc.constant("block" as const), body: tie("body"), value: tie("plain") }),
      fc.record({ kind: fc.constant("call" as const), callee: fc.nat(9), left: tie("plain"), right: tie("plain") }),
      fc.record({
        kind: fc.constant("callIndirect" as const),
        entry: fc.nat(9),
        left: tie("plain"),
        right: tie("plain")
      })
    ),
    statement: fc.oneof(
      { maxDepth: 4, depthIdentifier: "tree" },
      fc.record({ kind: fc.constant("set" as const), local: fc.nat(20), value: tie("expression") }),
      fc.record({ kind: fc.constant("br" as const), label: fc.nat(9), value: tie("plain") }),
      fc.record({ kind: fc.constant("brIf" as const), label: fc.nat(9), value: tie("plain"), condition: tie("plain") }),
      fc.record({
        kind: fc.constant("brTable" as const),
        labels: fc.array(fc.nat(9), { minLength: 1, maxLength: 4 }),
        index: tie("plain")
      }),
      fc.record({ kind: fc.constant("return" as const), value: tie("plain") }),
      fc.record({ kind: fc.constant("fill" as const), length: tie("plain") }),
      fc.record({
        kind: fc.constant("if" as const),
        condition: tie("plain"),
        yes: tie("body"),
        no: fc.option(tie("body"))
      }),
      fc.record({ kind: fc.constant("block" as const), body: tie("body") }),
      fc.record({ kind: fc.constant("loop" as const), body: tie("body") }),
      fc.record({ kind: fc.constant("loop" as const), body: tie("body") }),
      { arbitrary: fc.constant({ kind: "unreachable" as const }), weight: 0 }
    ),
    body: fc.array(tie("statement"), { maxLength: 4, depthIdentifier: "tree" })
  }
})

/** A statement sequence that counts a local up and leaves a loop when it reached a number: what most loops look like. */
const countedLoop = (body: fc.Arbitrary<Body>): fc.Arbitrary<Statement> =>
  fc.record({ body, rounds: fc.integer({ min: 1, max: 5 }), back: fc.boolean() }).map(({ body, rounds, back }) => {
    const counter: Expression = { kind: "local", local: localCount - 1 }
    const next: Statement = {
      kind: "set",
      local: localCount - 1,
      value: { kind: "binary", operator: 0, left: counter, right: { kind: "constant", value: 1 } }
    }
    const more: Expression = { kind: "binary", operator: 5, left: counter, right: { kind: "constant", value: rounds } }
    const zero: Expression = { kind: "constant", value: 0 }
    const repeat: Statement = back
      ? { kind: "brIf", label: 0, value: zero, condition: more }
      : { kind: "if", condition: more, yes: [{ kind: "br", label: 1, value: zero }], no: null }
    return { kind: "loop", body: [...body, next, repeat] }
  })

const functionTree: fc.Arbitrary<FunctionTree> = fc.record({
  unusedLocals: fc.constantFrom(0, 0, 0, 11, 12, 13, 28, 44),
  body: fc
    .tuple(trees.body, fc.array(fc.oneof(trees.statement, countedLoop(trees.body)), { maxLength: 4 }))
    .map(([first, rest]) => [...first, ...rest]),
  value: trees.expression
})

/** A function that callers may pay for: no loop, no call. */
const leafTree: fc.Arbitrary<FunctionTree> = fc.record({
  unusedLocals: fc.constantFrom(0, 20),
  body: fc.array(
    fc.record({
      kind: fc.constant("if" as const),
      condition: trees.plain,
      yes: fc.oneof(
        fc.record({ kind: fc.constant("return" as const), value: trees.plain }).map((one) => [one]),
        fc.constant([{ kind: "unreachable" as const }]),
        fc.record({ kind: fc.constant("set" as const), local: fc.nat(20), value: trees.plain }).map((one) => [one])
      ),
      no: fc.constant(null)
    }),
    { maxLength: 2 }
  ),
  value: trees.plain
})

export const program: fc.Arbitrary<Program> = fc.record({
  functions: fc
    .tuple(fc.array(functionTree, { minLength: 1, maxLength: 3 }), fc.array(leafTree, { maxLength: 2 }))
    .map(([trees, leaves]) => [...trees, ...leaves]),
  table: fc.array(fc.nat(9), { minLength: 1, maxLength: 2 })
})

// --- as a binary

/** The binary of a program. */
export const encode = ({ functions, table }: Program): Uint8Array<ArrayBuffer> => {
  const out = new Writer()
  out.slice(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))
  const section = (id: number, write: (into: Writer) => void) => {
    const content = new Writer()
    write(content)
    out.u8(id)
    out.u32(content.length)
    out.writer(content)
  }
  const i32 = 0x7f
  section(1, (into) => into.slice(Uint8Array.of(1, 0x60, 2, i32, i32, 1, i32)))
  section(3, (into) => {
    into.u32(functions.length)
    for (const _ of functions) into.u32(0)
  })
  // One table for calls and one to fill, which stands for all instructions with a length: no memory, because an instance
  // with memory is expensive to make.
  section(4, (into) => into.slice(Uint8Array.of(2, 0x70, 0, table.length, 0x70, 0, 64)))
  section(7, (into) => {
    into.u32(1)
    into.name("run")
    into.slice(Uint8Array.of(0, 0))
  })
  section(9, (into) => {
    into.slice(Uint8Array.of(1, 0, Op.i32Const, 0, Op.end))
    into.u32(table.length)
    for (const entry of table) into.u32(entry % functions.length)
  })
  section(10, (into) => {
    into.u32(functions.length)
    for (const tree of functions) {
      const code = new Writer()
      code.u32(2)
      code.u32(namedLocals)
      code.u8(i32)
      code.u32(tree.unusedLocals)
      code.u8(i32)
      const encoder = new Encoder(code, functions.length, table.length)
      encoder.body(tree.body, [1])
      encoder.expression(tree.value, [1])
      code.u8(Op.end)
      into.u32(code.length)
      into.writer(code)
    }
  })
  return out.toBytes()
}

/** Arity of each open label, innermost first; the last one is the function's. */
type Labels = ReadonlyArray<number>

class Encoder {
  readonly code: Writer
  readonly functions: number
  readonly entries: number

  constructor(code: Writer, functions: number, entries: number) {
    this.code = code
    this.functions = functions
    this.entries = entries
  }

  body(body: Body, labels: Labels): void {
    for (const statement of body) this.statement(statement, labels)
  }

  statement(statement: Statement, labels: Labels): void {
    const { code } = this
    switch (statement.kind) {
      case "set":
        this.expression(statement.value, labels)
        code.u8(Op.localSet)
        return code.u32(statement.local % localCount)
      case "if":
        this.expression(statement.condition, labels)
        code.slice(Uint8Array.of(Op.if, 0x40))
        this.body(statement.yes, [0, ...labels])
        if (statement.no !== null) {
          code.u8(Op.else)
          this.body(statement.no, [0, ...labels])
        }
        return code.u8(Op.end)
      case "block":
      case "loop":
        code.slice(Uint8Array.of(statement.kind === "block" ? Op.block : Op.loop, 0x40))
        this.body(statement.body, [0, ...labels])
        return code.u8(Op.end)
      case "br": {
        const label = statement.label % labels.length
        if (labels[label] === 1) this.expression(statement.value, labels)
        code.u8(Op.br)
        return code.u32(label)
      }
      case "brIf": {
        const label = statement.label % labels.length
        if (labels[label] === 1) this.expression(statement.value, labels)
        this.expression(statement.condition, labels)
        code.u8(Op.brIf)
        code.u32(label)
        if (labels[label] === 1) code.u8(0x1a)
        return
      }
      case "brTable": {
        const targets = tableTargets(statement.labels, labels)
        if (targets.length === 0) return
        this.expression(statement.index, labels)
        code.u8(Op.brTable)
        code.u32(targets.length - 1)
        for (const target of targets) code.u32(target)
        return
      }
      case "return":
        this.expression(statement.value, labels)
        return code.u8(Op.return)
      case "unreachable":
        return code.u8(Op.unreachable)
      case "fill":
        code.slice(Uint8Array.of(Op.i32Const, 0, Op.refNull, 0x70))
        this.expression(statement.length, labels)
        return code.slice(Uint8Array.of(Op.i32Const, 63, 0x71, Op.tableFill >> 8, Op.tableFill & 0xff, 1))
    }
  }

  expression(expression: Expression, labels: Labels): void {
    const { code } = this
    switch (expression.kind) {
      case "constant":
        code.u8(Op.i32Const)
        return code.u8(expression.value & 0x7f)
      case "local":
        code.u8(Op.localGet)
        return code.u32(expression.local % localCount)
      case "binary":
        this.expression(expression.left, labels)
        this.expression(expression.right, labels)
        return code.u8(operators[expression.operator]!)
      case "select":
        this.expression(expression.left, labels)
        this.expression(expression.right, labels)
        this.expression(expression.condition, labels)
        return code.u8(Op.select)
      case "choose":
        this.expression(expression.condition, labels)
        code.slice(Uint8Array.of(Op.if, 0x7f))
        this.expression(expression.yes, [1, ...labels])
        code.u8(Op.else)
        this.expression(expression.no, [1, ...labels])
        return code.u8(Op.end)
      case "block":
        code.slice(Uint8Array.of(Op.block, 0x7f))
        this.body(expression.body, [1, ...labels])
        this.expression(expression.value, [1, ...labels])
        return code.u8(Op.end)
      case "call":
        this.expression(expression.left, labels)
        this.expression(expression.right, labels)
        code.u8(Op.call)
        return code.u32(expression.callee % this.functions)
      case "callIndirect":
        this.expression(expression.left, labels)
        this.expression(expression.right, labels)
        code.u8(Op.i32Const)
        code.u8(expression.entry % this.entries)
        return code.slice(Uint8Array.of(Op.callIndirect, 0, 0))
    }
  }
}

/** Labels of a table must agree in what they take: only those that take nothing are used. */
const tableTargets = (wanted: ReadonlyArray<number>, labels: Labels): ReadonlyArray<number> => {
  const empty = labels.flatMap((arity, label) => (arity === 0 ? [label] : []))
  return empty.length === 0 ? [] : wanted.map((label) => empty[label % empty.length]!)
}

// --- as an interpreter

export type Meaning =
  | { readonly kind: "value"; readonly value: number; readonly fuel: number }
  | { readonly kind: "trap"; readonly fuel: number }
  /** It executed more than the budget, or called deeper than the interpreter can follow. */
  | { readonly kind: "over" }

/** What a program does with these arguments, as long as it does not execute more than `budget`. */
export const interpret = (program: Program, left: number, right: number, budget: number): Meaning => {
  const interpreter = new Interpreter(program, budget)
  try {
    return { kind: "value", value: interpreter.call(0, left, right), fuel: interpreter.fuel }
  } catch (end) {
    if (end === trap) return { kind: "trap", fuel: interpreter.fuel }
    if (end === over) return { kind: "over" }
    throw end
  }
}

const trap = Symbol("trap")
const over = Symbol("over")
const callDepthMax = 200

/** A branch that is under way: to the label at this depth, with its value. */
interface Branch {
  readonly label: number
  readonly value: number
}

class Interpreter {
  fuel = 0
  #depth = 0
  readonly #program: Program
  readonly #budget: number

  constructor(program: Program, budget: number) {
    this.#program = program
    this.#budget = budget
  }

  call(index: number, left: number, right: number): number {
    const tree = this.#program.functions[index]!
    if (++this.#depth > callDepthMax) throw over
    // Rule 2: entering a function.
    this.#pay(1 + Math.floor((namedLocals + tree.unusedLocals) / 16))
    const locals = new Int32Array(localCount)
    locals.set([left, right])
    const result = this.#body(tree.body, locals, [1]) ?? this.#expression(tree.value, locals, [1])
    this.#depth--
    return typeof result === "number" ? result : result.value
  }

  // Rule 1: an instruction.
  #pay(fuel = 1): void {
    this.fuel += fuel
    if (this.fuel > this.#budget) throw over
  }

  #body(body: Body, locals: Int32Array, labels: Labels): Branch | undefined {
    for (const statement of body) {
      const branch = this.#statement(statement, locals, labels)
      if (branch !== undefined) return branch
    }
    return undefined
  }

  /** What a construct makes of a branch out of its body: nothing more when it was to its own label. */
  #land(branch: Branch | undefined): Branch | undefined {
    if (branch === undefined || branch.label === 0) return undefined
    return { label: branch.label - 1, value: branch.value }
  }

  #statement(statement: Statement, locals: Int32Array, labels: Labels): Branch | undefined {
    switch (statement.kind) {
      case "set": {
        const value = this.#expression(statement.value, locals, labels)
        if (typeof value !== "number") return value
        this.#pay()
        locals[statement.local % localCount] = value
        return undefined
      }
      case "if": {
        const condition = this.#expression(statement.condition, locals, labels)
        if (typeof condition !== "number") return condition
        this.#pay()
        return this.#land(this.#body(condition !== 0 ? statement.yes : (statement.no ?? []), locals, [0, ...labels]))
      }
      case "block":
        return this.#land(this.#body(statement.body, locals, [0, ...labels]))
      case "loop":
        this.#pay()
        for (;;) {
          const branch = this.#body(statement.body, locals, [0, ...labels])
          if (branch === undefined || branch.label !== 0) return this.#land(branch)
        }
      case "br":
      case "brIf": {
        const label = statement.label % labels.length
        const value = labels[label] === 1 ? this.#expression(statement.value, locals, labels) : 0
        if (typeof value !== "number") return value
        if (statement.kind === "br") {
          this.#pay()
          return { label, value }
        }
        const condition = this.#expression(statement.condition, locals, labels)
        if (typeof condition !== "number") return condition
        this.#pay()
        if (condition !== 0) return { label, value }
        if (labels[label] === 1) this.#pay()
        return undefined
      }
      case "brTable": {
        const targets = tableTargets(statement.labels, labels)
        if (targets.length === 0) return undefined
        const index = this.#expression(statement.index, locals, labels)
        if (typeof index !== "number") return index
        this.#pay()
        return { label: targets[Math.min(index >>> 0, targets.length - 1)]!, value: 0 }
      }
      case "return": {
        const value = this.#expression(statement.value, locals, labels)
        if (typeof value !== "number") return value
        this.#pay()
        return { label: labels.length - 1, value }
      }
      case "unreachable":
        this.#pay()
        throw trap
      case "fill": {
        this.#pay(2)
        const length = this.#expression(statement.length, locals, labels)
        if (typeof length !== "number") return length
        // Rule 3: a length.
        this.#pay(3 + (length & 63))
        return undefined
      }
    }
  }

  #expression(expression: Expression, locals: Int32Array, labels: Labels): number | Branch {
    switch (expression.kind) {
      case "constant":
        this.#pay()
        return expression.value
      case "local":
        this.#pay()
        return locals[expression.local % localCount]!
      case "binary": {
        const operands = this.#all([expression.left, expression.right], locals, labels)
        if (!Array.isArray(operands)) return operands
        this.#pay()
        return compute(operators[expression.operator]!, operands[0]!, operands[1]!)
      }
      case "select": {
        const operands = this.#all([expression.left, expression.right, expression.condition], locals, labels)
        if (!Array.isArray(operands)) return operands
        this.#pay()
        return operands[2] !== 0 ? operands[0]! : operands[1]!
      }
      case "choose": {
        const condition = this.#expression(expression.condition, locals, labels)
        if (typeof condition !== "number") return condition
        this.#pay()
        return this.#arrive(this.#expression(condition !== 0 ? expression.yes : expression.no, locals, [1, ...labels]))
      }
      case "block":
        return this.#arrive(
          this.#body(expression.body, locals, [1, ...labels]) ??
            this.#expression(expression.value, locals, [1, ...labels])
        )
      case "call":
      case "callIndirect": {
        const operands = this.#all([expression.left, expression.right], locals, labels)
        if (!Array.isArray(operands)) return operands
        const { functions, table } = this.#program
        if (expression.kind === "call") {
          this.#pay()
          return this.call(expression.callee % functions.length, operands[0]!, operands[1]!)
        }
        this.#pay(2)
        return this.call(table[expression.entry % table.length]! % functions.length, operands[0]!, operands[1]!)
      }
    }
  }

  /** The value of a construct with a result, given its body's value or a branch out of it. */
  #arrive(end: number | Branch): number | Branch {
    if (typeof end === "number") return end
    return end.label === 0 ? end.value : { label: end.label - 1, value: end.value }
  }

  #all(expressions: ReadonlyArray<Expression>, locals: Int32Array, labels: Labels): Array<number> | Branch {
    const values: Array<number> = []
    for (const expression of expressions) {
      const value = this.#expression(expression, locals, labels)
      if (typeof value !== "number") return value
      values.push(value)
    }
    return values
  }
}

const compute = (operator: number, left: number, right: number): number => {
  switch (operator) {
    case 0x6a:
      return (left + right) | 0
    case 0x6b:
      return (left - right) | 0
    case 0x6c:
      return Math.imul(left, right)
    case 0x71:
      return left & right
    case 0x73:
      return left ^ right
    case 0x48:
      return left < right ? 1 : 0
    case 0x46:
      return left === right ? 1 : 0
    case dividesSigned:
      if (right === 0 || (left === -2147483648 && right === -1)) throw trap
      return (left / right) | 0
    default:
      throw new Error(`there is no operator ${operator}`)
  }
}
