/**
 * Calls in AssemblyScript: of the function itself, of functions that it declares, and of JavaScript's library.
 *
 * Closures are lifted: a function that is called by its name, or passed to `map` and its like, becomes a function of its
 * own, whose captured variables are further parameters. They may be read, not assigned.
 */
import type * as acorn from "acorn"
import { arrayLoops } from "./ArrayLoops.ts"
import { typeName } from "./AssemblyPrelude.ts"
import * as Builtins from "./Builtins.ts"
import type { FunctionNode } from "./Source.ts"
import { elementOf, Expressions } from "./TranslateExpression.ts"
import {
  describe,
  type FunctionScope,
  type LocalFunction,
  NotCovered,
  type Scope,
  type Self,
  type Value
} from "./TranslateScope.ts"
import { format, type ValueType } from "./ValueType.ts"

/** A function being written, as far as its expressions and calls go. */
export abstract class Calls extends Expressions {
  /** The text of a function with these types of parameters. */
  abstract define(name: string, node: FunctionNode, types: ReadonlyArray<ValueType>): string
  /** A function within `outer`, at a place where it sees `scope`. */
  protected abstract nested(outer: FunctionScope, scope: Scope, result: ValueType | undefined): Calls

  protected override call(node: acorn.CallExpression): Value {
    const { callee } = node
    if (callee.type === "Identifier") {
      const binding = this.scope.get(callee.name)
      if (binding?.kind === "self") return this.callSelf(node, binding)
      if (binding?.kind === "function") return this.callLocal(node, binding)
    }
    const name = this.globalName(callee)
    if (name === "Boolean" && node.arguments.length === 1) {
      return { code: this.condition(argument(node.arguments[0]!)), type: "bool" }
    }
    if (name === "Math.min" || name === "Math.max") return this.extreme(node, name)
    const operation = name === undefined ? undefined : (Builtins.functions.get(name) ?? mathOperation(name))
    if (operation !== undefined) return this.operate(node, operation, "")
    if (callee.type !== "MemberExpression" || callee.computed || callee.object.type === "Super") {
      throw new NotCovered(`a call of ${name === undefined ? describe(callee) : `"${name}"`}`, node)
    }
    return this.method(node, callee.object, (callee.property as acorn.Identifier).name)
  }

  private callSelf(node: acorn.CallExpression, self: Self): Value {
    if (this.outer !== undefined) throw new NotCovered("a recursive call from an inner function", node)
    const count = node.arguments.length
    if (count !== self.parameters.length) throw new NotCovered(`a call of itself with ${count} arguments`, node)
    const codes = self.parameters.map((type, index) => this.typed(argument(node.arguments[index]!), type))
    return { code: `${self.name}(${codes.join(", ")})`, type: self.result }
  }

  private callLocal(node: acorn.CallExpression, local: LocalFunction): Value {
    const args = node.arguments.map((value) => this.expression(argument(value)))
    const { name, fn } = this.specialise(
      local.node,
      local.owner,
      local.scope,
      args.map((value) => value.type)
    )
    const captured = [...fn.captures].map((variable) => this.use(variable))
    return { code: `${name}(${[...args.map((value) => value.code), ...captured].join(", ")})`, type: fn.result! }
  }

  /** The function for arguments of these types. */
  private specialise(node: FunctionNode, owner: FunctionScope, scope: Scope, types: ReadonlyArray<ValueType>) {
    const key = `${node.start} ${types.map(format).join()}`
    const { specialised } = this.unit
    const known = specialised.get(key)
    if (known !== undefined) return known
    if (specialised.has(key)) throw new NotCovered("a recursive inner function", node)
    const fn = this.nested(owner, scope, undefined)
    specialised.set(key, undefined)
    const name = this.newName("f")
    this.unit.functions.push(fn.define(name, node, types))
    const done = { name, fn }
    specialised.set(key, done)
    return done
  }

  /** `Math.min` and `Math.max` of any number of arguments, or of one array that is spread. */
  private extreme(node: acorn.CallExpression, name: string): Value {
    const [first] = node.arguments
    const start = name === "Math.min" ? "Infinity" : "-Infinity"
    if (first?.type === "SpreadElement" && node.arguments.length === 1) {
      const xs = this.typed(first.argument, { array: "f64" })
      return { code: `${name === "Math.min" ? "minOf" : "maxOf"}(${xs})`, type: "f64" }
    }
    const codes = node.arguments.map((value) => this.typed(argument(value), "f64"))
    return { code: codes.reduce((left, right) => `${name}(${left}, ${right})`, start), type: "f64" }
  }

  private operate(node: acorn.CallExpression, operation: Builtins.Operation, object: string): Value {
    const required = operation.arguments.length - (operation.optional ?? 0)
    if (node.arguments.length < required || node.arguments.length > operation.arguments.length) {
      throw new NotCovered(`a call with ${node.arguments.length} arguments`, node)
    }
    const codes = node.arguments.map((value, index) => this.typed(argument(value), operation.arguments[index]!))
    return { code: operation.code(object, codes), type: operation.result }
  }

  private method(node: acorn.CallExpression, target: acorn.Expression, name: string): Value {
    const object = this.expression(target)
    const element = elementOf(object.type)
    if (element !== undefined && arrayLoops.has(name)) return this.loop(node, name, object, element)
    const methods = object.type === "string" ? Builtins.stringMethods : element && Builtins.arrayMethods(element)
    const operation = methods?.get(name)
    if (operation === undefined)
      throw new NotCovered(`the method "${name}" of a value of type ${format(object.type)}`, node)
    return this.operate(node, operation, object.code)
  }

  /** A method of arrays that takes a function: becomes a function with a loop, which calls the lifted function. */
  private loop(node: acorn.CallExpression, method: string, list: Value, element: ValueType): Value {
    const callback = node.arguments[0]
    if (callback?.type !== "ArrowFunctionExpression" && callback?.type !== "FunctionExpression") {
      throw new NotCovered(`"${method}" without a function written in its place`, node)
    }
    if (node.arguments.length > (method === "reduce" ? 2 : 1))
      throw new NotCovered("a further argument", node.arguments.at(-1)!)
    const given = node.arguments[1]
    const start = given ? this.expression(argument(given)) : undefined
    const leading = method === "reduce" ? [start?.type ?? element] : []
    const types = [...leading, element, "f64" as const, list.type].slice(0, Math.max(callback.params.length, 1))
    const fn = this.nested(this, this.scope, leading[0])
    const inner = this.newName("f")
    this.unit.functions.push(fn.define(inner, callback, types))
    const captured = [...fn.captures]
    const values = [...(method === "reduce" ? ["acc"] : []), "x", "<f64>i", "xs"].slice(0, types.length)
    const invoke: Value = {
      code: `${inner}(${[...values, ...captured.map((variable) => variable.code)].join(", ")})`,
      type: fn.result!
    }
    const { result, before, each, after } = arrayLoops.get(method)!({ element, list: list.type, invoke, start, node })
    const parameters = [
      `xs: ${typeName(list.type)}`,
      ...(start ? [`start: ${typeName(start.type)}`] : []),
      ...captured.map((variable) => `${variable.code}: ${typeName(variable.type)}`)
    ]
    const name = this.newName("f")
    this.unit.functions.push(`function ${name}(${parameters.join(", ")}): ${typeName(result)} {
const length = xs.length;
${before}
for (; i < length; i++) {
if (i >= xs.length) unreachable();
const x: ${typeName(element)} = unchecked(xs[i]);
${each}
}
${after}
}`)
    const args = [list.code, ...(start ? [start.code] : []), ...captured.map((variable) => this.use(variable))]
    return { code: `${name}(${args.join(", ")})`, type: result }
  }
}

const argument = (node: acorn.Expression | acorn.SpreadElement): acorn.Expression => {
  if (node.type === "SpreadElement") throw new NotCovered("a spread argument", node)
  return node
}

const mathOperation = (name: string) => (name.startsWith("Math.") ? Builtins.math.get(name.slice(5)) : undefined)
