/**
 * The names in a JavaScript source: which ones a part of it declares, and whether all that it uses are its own or the
 * language's.
 */
import type * as acorn from "acorn"
import { SourceRefused } from "../JitError.ts"
import { removedGlobals } from "./QuickJsPrelude.ts"

export type FunctionNode = acorn.ArrowFunctionExpression | acorn.FunctionExpression | acorn.FunctionDeclaration

/** The children of a node, in no particular order. */
export const childrenOf = function* (node: acorn.Node): Generator<acorn.Node> {
  for (const value of Object.values(node) as Array<unknown>) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === "object" && child !== null && typeof (child as acorn.Node).type === "string")
        yield child as acorn.Node
    }
  }
}

/** Line and column of a node, counted from 1. */
export const positionOf = (node?: acorn.Node) => ({
  line: node?.loc?.start.line ?? 1,
  column: (node?.loc?.start.column ?? 0) + 1
})

/** What a function may name without declaring it. All of it is part of the language and gives the same everywhere. */
const globals = new Set(
  `undefined NaN Infinity Object Array String Number Boolean Symbol BigInt Math JSON Map Set WeakMap WeakSet RegExp
  Error EvalError RangeError ReferenceError SyntaxError TypeError URIError AggregateError Promise Proxy Reflect Iterator
  ArrayBuffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array
  BigInt64Array BigUint64Array Float32Array Float64Array parseInt parseFloat isNaN isFinite
  encodeURI encodeURIComponent decodeURI decodeURIComponent escape unescape`
    .split(/\s+/)
    .filter((name) => !removedGlobals.includes(name))
)

interface Scope {
  readonly names: Set<string>
  readonly outer: Scope | undefined
}

const refuse = (name: string, node: acorn.Node): never => {
  throw new SourceRefused({ name, ...positionOf(node) })
}

/** Throws `SourceRefused` for the first name that is neither declared in the source nor part of the language. */
export const checkUnsafe = (program: acorn.Program): void => {
  visit(program, { names: declaredIn(program), outer: undefined })
}

const visit = (node: acorn.AnyNode, scope: Scope): void => {
  const inner = (names: Set<string>): Scope => ({ names, outer: scope })
  const all = (inside: Scope) => {
    for (const child of childrenOf(node)) visit(child as acorn.AnyNode, inside)
  }
  switch (node.type) {
    case "Identifier":
      return isKnown(node.name, scope) ? undefined : refuse(node.name, node)
    case "ImportExpression":
    case "ImportDeclaration":
      return refuse("import", node)
    case "MetaProperty":
      return node.meta.name === "import" ? refuse("import.meta", node) : undefined
    case "MemberExpression":
      if (isMathRandom(node, scope)) refuse("Math.random", node)
      visit(node.object, scope)
      return node.computed ? visit(node.property, scope) : undefined
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition":
      if (node.computed) visit(node.key, scope)
      return node.value ? visit(node.value, scope) : undefined
    case "LabeledStatement":
      return visit(node.body, scope)
    case "BreakStatement":
    case "ContinueStatement":
      return
    case "ArrowFunctionExpression":
    case "FunctionExpression":
    case "FunctionDeclaration": {
      const names = new Set(node.params.flatMap(namesOfPattern))
      if (node.type === "FunctionExpression" && node.id) names.add(node.id.name)
      if (node.type !== "ArrowFunctionExpression") names.add("arguments")
      collectVars(node.body, names)
      return all(inner(names))
    }
    case "ClassExpression":
      return all(inner(new Set(node.id ? [node.id.name] : [])))
    case "CatchClause":
      return all(inner(new Set(node.param ? namesOfPattern(node.param) : [])))
    case "BlockStatement":
    case "StaticBlock":
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement":
    case "SwitchStatement":
      return all(inner(declaredIn(node)))
    default:
      return all(scope)
  }
}

const isDeclared = (name: string, scope: Scope | undefined): boolean =>
  scope !== undefined && (scope.names.has(name) || isDeclared(name, scope.outer))

const isKnown = (name: string, scope: Scope) => globals.has(name) || isDeclared(name, scope)

const isMathRandom = (node: acorn.MemberExpression, scope: Scope): boolean => {
  if (node.object.type !== "Identifier" || node.object.name !== "Math" || isDeclared("Math", scope)) return false
  return (
    node.property.type === (node.computed ? "Literal" : "Identifier") &&
    (node.property.type === "Literal" ? node.property.value : (node.property as acorn.Identifier).name) === "random"
  )
}

/** Names that a block, a loop head or the program declares for everything inside it. */
export const declaredIn = (node: acorn.AnyNode): Set<string> => {
  const names = new Set<string>()
  const statements: ReadonlyArray<acorn.AnyNode | null | undefined> =
    node.type === "Program" || node.type === "BlockStatement" || node.type === "StaticBlock"
      ? node.body
      : node.type === "SwitchStatement"
        ? node.cases.flatMap((part) => part.consequent)
        : node.type === "ForStatement"
          ? [node.init]
          : node.type === "ForInStatement" || node.type === "ForOfStatement"
            ? [node.left]
            : []
  for (const outer of statements) {
    const statement = outer?.type === "ExportDefaultDeclaration" ? (outer.declaration as acorn.AnyNode) : outer
    if (statement?.type === "VariableDeclaration") {
      for (const declarator of statement.declarations) for (const name of namesOfPattern(declarator.id)) names.add(name)
    } else if (statement?.type === "FunctionDeclaration" || statement?.type === "ClassDeclaration") {
      if (statement.id) names.add(statement.id.name)
    }
  }
  if (node.type === "Program" || node.type === "StaticBlock") collectVars(node, names)
  return names
}

/** Names that the body of a function declares, at its top or with `var` anywhere in it. */
export const declaredInFunction = (node: FunctionNode): Set<string> => {
  const names = declaredIn(node.body)
  collectVars(node.body, names)
  return names
}

/** Names of `var`, which belong to the function however deep they stand in it. */
const collectVars = (node: acorn.AnyNode, names: Set<string>): void => {
  if (node.type === "VariableDeclaration" && node.kind === "var") {
    for (const declarator of node.declarations) for (const name of namesOfPattern(declarator.id)) names.add(name)
  }
  for (const child of childrenOf(node) as Iterable<acorn.AnyNode>) {
    if (!/Function|Class|StaticBlock/.test(child.type)) collectVars(child, names)
  }
}

const namesOfPattern = (pattern: acorn.Pattern): Array<string> => {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name]
    case "ObjectPattern":
      return pattern.properties.flatMap((part) => namesOfPattern(part.type === "Property" ? part.value : part.argument))
    case "ArrayPattern":
      return pattern.elements.flatMap((element) => (element ? namesOfPattern(element) : []))
    case "AssignmentPattern":
      return namesOfPattern(pattern.left)
    case "RestElement":
      return namesOfPattern(pattern.argument)
    default:
      return []
  }
}
