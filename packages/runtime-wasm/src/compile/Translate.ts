/**
 * JavaScript to AssemblyScript, for the part of the language whose meaning is kept exactly.
 *
 * AssemblyScript looks like JavaScript and means something else in many places (integer literals are 32-bit, array reads
 * beyond the end trap, numbers print differently). So nothing is passed through: each construct is written anew, with
 * its type, in a form that gives JavaScript's answer or traps. What has no such form is `NotCovered`, and the function
 * is left to the interpreter. `Differential.ts` then checks what is claimed here.
 */
import type * as acorn from "acorn"
import { helpers, typeName } from "./AssemblyPrelude.ts"
import type { FunctionNode } from "./Source.ts"
import * as SourceNames from "./SourceNames.ts"
import { Calls } from "./TranslateCall.ts"
import { elementOf } from "./TranslateExpression.ts"
import { describe, type FunctionScope, NotCovered, Scope, type Unit, type Value } from "./TranslateScope.ts"
import { equals, format, type ValueType } from "./ValueType.ts"

/**
 * AssemblyScript for a function of these parameter types and result type: the function `main` and what it needs.
 * Throws `NotCovered`.
 */
export const translate = (main: FunctionNode, parameters: ReadonlyArray<ValueType>, result: ValueType): string => {
  const unit: Unit = { functions: [helpers], names: 0, specialised: new Map() }
  const outside = new Scope(undefined)
  if (main.id) outside.set(main.id.name, { kind: "self", name: "main", parameters, result })
  const code = new Fn(unit, undefined, new Scope(outside), result).define("main", main, parameters)
  return [...unit.functions, code].join("\n")
}

/** A function being written: its statements, on top of expressions and calls. */
class Fn extends Calls {
  protected override nested(outer: FunctionScope, scope: Scope, result: ValueType | undefined): Fn {
    return new Fn(this.unit, outer, new Scope(scope), result)
  }

  /** The text of the function. Parameters beyond the types given are refused, fewer are as in JavaScript. */
  override define(name: string, node: FunctionNode, types: ReadonlyArray<ValueType>): string {
    if (node.async || node.generator) throw new NotCovered("an async function", node)
    if (node.params.length > types.length)
      throw new NotCovered("a parameter without a value", node.params[types.length]!)
    const body: Array<string> = []
    const parameters = types.map((type, index) => {
      const parameter = node.params[index]
      if (parameter === undefined) return `p${index}: ${typeName(type)}`
      if (parameter.type !== "Identifier") throw new NotCovered(describe(parameter), parameter)
      return `${this.declare(parameter.name, type, "var", parameter).code}: ${typeName(type)}`
    })
    if (node.body.type === "BlockStatement") {
      for (const name of SourceNames.declaredInFunction(node)) this.scope.set(name, { kind: "pending" })
      body.push(this.statements(node.body.body))
      // Without a `return` the answer would be undefined.
      if (this.result === undefined) throw new NotCovered("a function that returns nothing", node)
      body.push("unreachable();")
    } else {
      const value = this.expression(node.body, this.result)
      this.returns(value, node.body)
      body.push(`return ${value.code};`)
    }
    const captured = [...this.captures].map((variable) => `${variable.code}: ${typeName(variable.type)}`)
    return `function ${name}(${[...parameters, ...captured].join(", ")}): ${typeName(this.result!)} {\n${body.join("\n")}\n}`
  }

  private returns(value: Value, node: acorn.Node): void {
    this.result ??= value.type
    if (!equals(this.result, value.type)) {
      throw new NotCovered(`a result of type ${format(value.type)} where others are ${format(this.result)}`, node)
    }
  }

  private statements(nodes: ReadonlyArray<acorn.Statement>): string {
    return nodes.map((node) => this.statement(node)).join("\n")
  }

  private statement(node: acorn.Statement | acorn.ModuleDeclaration): string {
    switch (node.type) {
      case "EmptyStatement":
        return ""
      case "BlockStatement":
        return this.within(SourceNames.declaredIn(node), () => `{\n${this.statements(node.body)}\n}`)
      case "ExpressionStatement":
        return `${this.expression(node.expression).code};`
      case "VariableDeclaration":
        return this.variables(node)
      case "FunctionDeclaration":
        this.scope.set(node.id!.name, { kind: "function", node: node as FunctionNode, owner: this, scope: this.scope })
        return ""
      case "ReturnStatement": {
        if (!node.argument) throw new NotCovered("a return without a value", node)
        const value = this.expression(node.argument, this.result)
        this.returns(value, node)
        return `return ${value.code};`
      }
      case "IfStatement": {
        const otherwise = node.alternate ? ` else ${this.block(node.alternate)}` : ""
        return `if (${this.condition(node.test)}) ${this.block(node.consequent)}${otherwise}`
      }
      case "WhileStatement":
        return `while (${this.condition(node.test)}) ${this.block(node.body)}`
      case "DoWhileStatement":
        return `do ${this.block(node.body)} while (${this.condition(node.test)});`
      case "ForStatement":
        return this.within(SourceNames.declaredIn(node), () => {
          const init = !node.init
            ? ""
            : node.init.type === "VariableDeclaration"
              ? this.variables(node.init)
              : `${this.expression(node.init).code};`
          const test = node.test ? this.condition(node.test) : "true"
          const update = node.update ? this.expression(node.update).code : ""
          return `{\n${init}\nfor (; ${test}; ${update}) ${this.block(node.body)}\n}`
        })
      case "ForOfStatement":
        return this.forOf(node)
      case "BreakStatement":
      case "ContinueStatement":
        if (node.label) throw new NotCovered("a label", node)
        return node.type === "BreakStatement" ? "break;" : "continue;"
      case "ThrowStatement":
        // The interpreter throws the error itself, with its message.
        return "unreachable();"
      default:
        throw new NotCovered(describe(node), node)
    }
  }

  private block(node: acorn.Statement): string {
    return this.within([], () => `{\n${this.statement(node)}\n}`)
  }

  private variables(node: acorn.VariableDeclaration): string {
    return node.declarations
      .map(({ id, init }) => {
        if (id.type !== "Identifier") throw new NotCovered(describe(id), id)
        if (!init) throw new NotCovered("a variable without a first value", id)
        if (init.type === "ArrowFunctionExpression" || init.type === "FunctionExpression") {
          if (node.kind !== "const") throw new NotCovered("a function in a variable that is not const", id)
          this.scope.set(id.name, { kind: "function", node: init, owner: this, scope: this.scope })
          return ""
        }
        const value = this.expression(init, this.result)
        const variable = this.declare(id.name, value.type, node.kind, id)
        return `let ${variable.code}: ${typeName(value.type)} = ${value.code};`
      })
      .join("\n")
  }

  private forOf(node: acorn.ForOfStatement): string {
    const left = node.left.type === "VariableDeclaration" ? node.left.declarations[0]!.id : node.left
    if (node.left.type !== "VariableDeclaration" || left.type !== "Identifier")
      throw new NotCovered(describe(left), left)
    const { kind } = node.left
    return this.within(SourceNames.declaredIn(node), () => {
      const xs = this.expression(node.right)
      const element = elementOf(xs.type)
      if (element === undefined) throw new NotCovered("for...of over what is no array", node.right)
      const list = this.newName("v")
      const counter = this.newName("v")
      const variable = this.declare(left.name, element, kind, left)
      return [
        `{\nlet ${list}: ${typeName(xs.type)} = ${xs.code};`,
        `for (let ${counter} = 0; ${counter} < ${list}.length; ${counter}++) {`,
        `let ${variable.code}: ${typeName(element)} = unchecked(${list}[${counter}]);`,
        `${this.block(node.body)}\n}\n}`
      ].join("\n")
    })
  }
}
