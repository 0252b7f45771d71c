/**
 * Expressions of JavaScript in AssemblyScript, with their types. See `Translate.ts` for the rule that they follow.
 */
import type * as acorn from "acorn"
import { typeName } from "./AssemblyPrelude.ts"
import * as Builtins from "./Builtins.ts"
import { describe, FunctionScope, NotCovered, type Value } from "./TranslateScope.ts"
import { equals, format, type ValueType } from "./ValueType.ts"

const plainOperators = new Set(["+", "-", "*", "/"])
const comparisons = new Set(["<", ">", "<=", ">="])
const equalities = new Map([
  ["===", "=="],
  ["==", "=="],
  ["!==", "!="],
  ["!=", "!="]
])
const bitwise = new Set(["&", "|", "^", "<<", ">>", ">>>"])

/** A function being written, as far as its expressions go. */
export abstract class Expressions extends FunctionScope {
  protected abstract call(node: acorn.CallExpression): Value

  /** An expression as a condition: what JavaScript takes for true. */
  protected condition(node: acorn.Expression): string {
    if (node.type === "ParenthesizedExpression") return this.condition(node.expression)
    if (node.type === "LogicalExpression" && node.operator !== "??") {
      return `(${this.condition(node.left)} ${node.operator} ${this.condition(node.right)})`
    }
    if (node.type === "UnaryExpression" && node.operator === "!") return `(!${this.condition(node.argument)})`
    const value = this.expression(node)
    switch (value.type) {
      case "bool":
        return value.code
      case "f64":
        return `truthy(${value.code})`
      case "string":
        return `(${value.code}.length != 0)`
      default:
        throw new NotCovered("an array as a condition", node)
    }
  }

  protected number(node: acorn.Expression | acorn.PrivateIdentifier): string {
    return this.typed(node as acorn.Expression, "f64")
  }

  protected typed(node: acorn.Expression, type: ValueType): string {
    const value = this.expression(node, type)
    if (!equals(value.type, type)) {
      throw new NotCovered(`a value of type ${format(value.type)} where one of type ${format(type)} is expected`, node)
    }
    return value.code
  }

  /** An expression with its type. `expected` is only a hint, for an array without elements. */
  protected expression(node: acorn.Expression, expected?: ValueType): Value {
    switch (node.type) {
      case "ParenthesizedExpression":
        return this.expression(node.expression, expected)
      case "Literal":
        return literal(node)
      case "Identifier":
        return this.identifier(node)
      case "TemplateLiteral":
        return this.template(node)
      case "ArrayExpression":
        return this.array(node, expected)
      case "UnaryExpression":
        return this.unary(node)
      case "BinaryExpression":
        return this.binary(node)
      case "LogicalExpression":
        if (node.operator === "??") throw new NotCovered('"??"', node)
        return {
          code: `(${this.typed(node.left, "bool")} ${node.operator} ${this.typed(node.right, "bool")})`,
          type: "bool"
        }
      case "ConditionalExpression": {
        const test = this.condition(node.test)
        const yes = this.expression(node.consequent, expected)
        return { code: `(${test} ? ${yes.code} : ${this.typed(node.alternate, yes.type)})`, type: yes.type }
      }
      case "SequenceExpression": {
        const values = node.expressions.map((part) => this.expression(part))
        return { code: `(${values.map((value) => value.code).join(", ")})`, type: values.at(-1)!.type }
      }
      case "AssignmentExpression":
        return this.assignment(node)
      case "UpdateExpression": {
        const target = this.assigned(node.argument, "f64").code
        return { code: node.prefix ? `(${node.operator}${target})` : `(${target}${node.operator})`, type: "f64" }
      }
      case "MemberExpression":
        return this.member(node)
      case "CallExpression":
        return this.call(node)
      default:
        throw new NotCovered(describe(node), node)
    }
  }

  protected identifier(node: acorn.Identifier): Value {
    if (node.name === "NaN" || node.name === "Infinity") {
      if (this.scope.get(node.name) === undefined) return { code: node.name, type: "f64" }
    }
    const binding = this.lookup(node)
    if (binding.kind !== "variable") throw new NotCovered("a function as a value", node)
    return { code: this.use(binding), type: binding.type }
  }

  protected template(node: acorn.TemplateLiteral): Value {
    const parts = node.quasis.flatMap((quasi, index) => {
      const value = node.expressions[index]
      return [JSON.stringify(quasi.value.cooked), ...(value ? [this.typed(value, "string")] : [])]
    })
    return { code: `(${parts.join(" + ")})`, type: "string" }
  }

  protected array(node: acorn.ArrayExpression, expected: ValueType | undefined): Value {
    const elements = node.elements.map((element) => {
      if (element === null || element.type === "SpreadElement")
        throw new NotCovered("a hole or a spread in an array", node)
      return element
    })
    const first = elements[0]
    if (first === undefined) {
      const element = expected === undefined ? undefined : elementOf(expected)
      if (element === undefined) throw new NotCovered("an array without elements, of unknown type", node)
      return { code: `(new ${typeName(expected!)}())`, type: expected! }
    }
    const { type } = this.expression(first)
    const codes = elements.map((element) => this.typed(element, type))
    return { code: `([${codes.join(", ")}] as ${typeName({ array: type })})`, type: { array: type } }
  }

  protected unary(node: acorn.UnaryExpression): Value {
    switch (node.operator) {
      case "!":
        return { code: this.condition(node), type: "bool" }
      case "-":
        return { code: `(-${this.typed(node.argument, "f64")})`, type: "f64" }
      case "+":
        return { code: this.typed(node.argument, "f64"), type: "f64" }
      case "~":
        return { code: `(<f64>(~toInt32(${this.typed(node.argument, "f64")})))`, type: "f64" }
      default:
        throw new NotCovered(`"${node.operator}"`, node)
    }
  }

  protected binary(node: acorn.BinaryExpression): Value {
    if (node.left.type === "PrivateIdentifier") throw new NotCovered("a private name", node.left)
    const left = this.expression(node.left)
    const right = this.expression(node.right)
    return this.operation(node.operator, left, right, node)
  }

  protected operation(operator: string, left: Value, right: Value, node: acorn.Node): Value {
    const code = (operator: string) => `(${left.code} ${operator} ${right.code})`
    const both = (type: ValueType) => left.type === type && right.type === type
    if (both("f64")) {
      if (plainOperators.has(operator)) return { code: code(operator), type: "f64" }
      if (operator === "%") return { code: `remainder(${left.code}, ${right.code})`, type: "f64" }
      // The one power that is the same everywhere: `pow` itself differs in the last digit now and then.
      if (operator === "**" && right.code === "2.0") return { code: `square(${left.code})`, type: "f64" }
      if (bitwise.has(operator)) {
        const type = operator === ">>>" ? "u32" : "i32"
        return {
          code: `(<f64>(<${type}>toInt32(${left.code}) ${operator} <${type}>toInt32(${right.code})))`,
          type: "f64"
        }
      }
    }
    if (both("string") && operator === "+") return { code: code("+"), type: "string" }
    if ((both("f64") || both("string")) && comparisons.has(operator)) return { code: code(operator), type: "bool" }
    if ((both("f64") || both("string") || both("bool")) && equalities.has(operator)) {
      return { code: code(equalities.get(operator)!), type: "bool" }
    }
    throw new NotCovered(`"${operator}" of ${format(left.type)} and ${format(right.type)}`, node)
  }

  protected assignment(node: acorn.AssignmentExpression): Value {
    const operator = node.operator.slice(0, -1)
    if (["&&", "||", "??"].includes(operator)) throw new NotCovered(`"${node.operator}"`, node)
    if (node.left.type === "MemberExpression") return this.elementAssignment(node, node.left, operator)
    const { code, type } = this.assigned(node.left)
    if (operator === "") return { code: `(${code} = ${this.typed(node.right, type)})`, type }
    const value = this.operation(operator, { code, type }, this.expression(node.right), node)
    if (!equals(value.type, type)) throw new NotCovered("an assignment of another type", node)
    return { code: `(${code} = ${value.code})`, type }
  }

  protected elementAssignment(
    node: acorn.AssignmentExpression,
    target: acorn.MemberExpression,
    operator: string
  ): Value {
    const list = this.expression(target.object as acorn.Expression)
    const type = elementOf(list.type)
    if (!target.computed || type === undefined) throw new NotCovered("an assignment to a property", node)
    const index = this.number(target.property)
    if (operator === "") return { code: `setAt(${list.code}, ${index}, ${this.typed(node.right, type)})`, type }
    // The list and the index are written twice, so they must not do anything.
    if (!isSimple(target.object) || !isSimple(target.property))
      throw new NotCovered(`"${node.operator}" to this element`, node)
    const old: Value = { code: `at(${list.code}, ${index})`, type }
    const value = this.operation(operator, old, this.expression(node.right), node)
    if (!equals(value.type, type)) throw new NotCovered("an assignment of another type", node)
    return { code: `setAt(${list.code}, ${index}, ${value.code})`, type }
  }

  /** `Math.floor` and the like, unless the source declares a `Math` of its own. */
  protected globalName(node: acorn.Expression | acorn.Super): string | undefined {
    if (node.type === "Identifier") return this.scope.get(node.name) === undefined ? node.name : undefined
    if (node.type !== "MemberExpression" || node.computed || node.object.type !== "Identifier") return undefined
    if (this.scope.get(node.object.name) !== undefined || node.property.type !== "Identifier") return undefined
    return `${node.object.name}.${node.property.name}`
  }

  protected member(node: acorn.MemberExpression): Value {
    const constant = Builtins.constants.get(this.globalName(node) ?? "")
    if (constant !== undefined) return { code: numberCode(constant), type: "f64" }
    if (node.object.type === "Super") throw new NotCovered('"super"', node)
    const object = this.expression(node.object)
    const element = elementOf(object.type)
    if (element === undefined && object.type !== "string")
      throw new NotCovered(`a property of a value of type ${format(object.type)}`, node)
    if (node.computed) {
      const index = this.number(node.property)
      return element === undefined
        ? { code: `unitAt(${object.code}, ${index})`, type: "string" }
        : { code: `at(${object.code}, ${index})`, type: element }
    }
    const name = (node.property as acorn.Identifier).name
    if (name !== "length") throw new NotCovered(`the property "${name}"`, node)
    return { code: `(<f64>${object.code}.length)`, type: "f64" }
  }
}

/** The type of an array's elements. */
export const elementOf = (type: ValueType): ValueType | undefined =>
  typeof type === "object" && "array" in type ? type.array : undefined

const isSimple = (node: acorn.Node): boolean => node.type === "Identifier" || node.type === "Literal"

const numberCode = (value: number): string => {
  const text = String(value)
  // Without a point AssemblyScript would take it for an integer.
  return /[.e]/.test(text) ? text : `${text}.0`
}

const literal = (node: acorn.Literal): Value => {
  switch (typeof node.value) {
    case "number":
      if (node.value === Infinity) return { code: "Infinity", type: "f64" }
      return { code: numberCode(node.value), type: "f64" }
    case "string":
      return { code: JSON.stringify(node.value), type: "string" }
    case "boolean":
      return { code: String(node.value), type: "bool" }
    default:
      throw new NotCovered(node.regex ? "a regular expression" : node.bigint ? "a BigInt" : "null", node)
  }
}
