/**
 * Names while JavaScript is translated: what a block declares, what a function captures from those around it, and what
 * it means that something has no translation.
 */
import type * as acorn from "acorn"
import type { FunctionNode } from "./Source.ts"
import { equals, format, type ValueType } from "./ValueType.ts"

/** The function uses something that is not translated. */
export class NotCovered {
  readonly reason: string
  constructor(what: string, node: acorn.Node) {
    const { line, column } = node.loc!.start
    this.reason = `${what} at line ${line}, column ${column + 1}`
  }
}

/** `ForInStatement` as `a for-in statement`. */
export const describe = (node: acorn.Node): string => {
  const words = node.type.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()
  return `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`
}

/** The text of an expression and its type. */
export interface Value {
  readonly code: string
  readonly type: ValueType
}

/** All that is written so far. */
export interface Unit {
  readonly functions: Array<string>
  /** Counts the names given out, so that each is new. */
  names: number
  /** Functions called by name, by their node and the types of the arguments; `undefined` while one is being written. */
  readonly specialised: Map<string, { readonly name: string; readonly fn: FunctionScope } | undefined>
}

export interface Variable {
  readonly kind: "variable"
  readonly code: string
  readonly type: ValueType
  readonly constant: boolean
  /** The function that declares it. */
  readonly owner: FunctionScope
}

/** A function with a name of its own, written anew for each list of types that it is called with. */
export interface LocalFunction {
  readonly kind: "function"
  readonly node: FunctionNode
  readonly owner: FunctionScope
  /** What it sees where it is declared. */
  readonly scope: Scope
}

/** The translated function itself, which may call itself. */
export interface Self {
  readonly kind: "self"
  readonly name: string
  readonly parameters: ReadonlyArray<ValueType>
  readonly result: ValueType
}

/** Declared further down: not there yet, and hiding what has its name outside. */
interface Pending {
  readonly kind: "pending"
}

export type Binding = Variable | LocalFunction | Self | Pending

/** Names that are visible at some place. */
export class Scope {
  private readonly names = new Map<string, Binding>()
  private readonly outer: Scope | undefined
  /** `pending`: the names that are going to be declared here. */
  constructor(outer: Scope | undefined, pending: Iterable<string> = []) {
    this.outer = outer
    for (const name of pending) this.names.set(name, { kind: "pending" })
  }
  get(name: string): Binding | undefined {
    return this.names.get(name) ?? this.outer?.get(name)
  }
  set(name: string, binding: Binding): void {
    this.names.set(name, binding)
  }
}

/** The names of one function that is being written. */
export class FunctionScope {
  readonly unit: Unit
  readonly outer: FunctionScope | undefined
  scope: Scope
  /** Captured variables, in the order of their parameters. */
  readonly captures = new Set<Variable>()
  /** The type of what it returns; found at the first `return` where it is not given. */
  result: ValueType | undefined
  /** Names of its parameters and of each `var` so far. */
  private readonly vars = new Set<string>()

  constructor(unit: Unit, outer: FunctionScope | undefined, scope: Scope, result: ValueType | undefined) {
    this.unit = unit
    this.outer = outer
    this.scope = scope
    this.result = result
  }

  /** Makes a variable visible from here on. A second `var` of a name would be the same variable again: not covered. */
  declare(name: string, type: ValueType, kind: acorn.VariableDeclaration["kind"], node: acorn.Node): Variable {
    if (type === "other") throw new NotCovered("a value of a type that is not compiled", node)
    if (kind === "var") {
      if (this.vars.has(name)) throw new NotCovered(`a second "var ${name}"`, node)
      this.vars.add(name)
    }
    const variable: Variable = {
      kind: "variable",
      code: this.newName("v"),
      type,
      constant: kind === "const",
      owner: this
    }
    this.scope.set(name, variable)
    return variable
  }

  /** A name that nothing else has: not `f32` nor `v128`, which are types. */
  newName(prefix: "v" | "f"): string {
    return `${prefix}_${this.unit.names++}`
  }

  lookup(node: acorn.Identifier): Exclude<Binding, Pending> {
    const binding = this.scope.get(node.name)
    if (binding === undefined) throw new NotCovered(`"${node.name}"`, node)
    if (binding.kind === "pending") throw new NotCovered(`"${node.name}" before it is declared`, node)
    return binding
  }

  /** Reads a variable, from wherever it is declared. */
  use(variable: Variable): string {
    if (variable.owner !== this) {
      this.captures.add(variable)
      this.outer!.use(variable)
    }
    return variable.code
  }

  /** The code of a variable that may be assigned here. */
  assigned(node: acorn.Node, type?: ValueType): Variable {
    if (node.type !== "Identifier") throw new NotCovered(`an assignment to ${describe(node)}`, node)
    const variable = this.lookup(node as acorn.Identifier)
    if (variable.kind !== "variable") throw new NotCovered("an assignment to a function", node)
    if (variable.owner !== this) throw new NotCovered("an assignment to a variable of an outer function", node)
    if (variable.constant) throw new NotCovered("an assignment to a constant", node)
    if (type !== undefined && !equals(variable.type, type)) {
      throw new NotCovered(`an assignment to a variable of type ${format(variable.type)}`, node)
    }
    return variable
  }

  /** Writes something inside a block of its own. */
  within<A>(pending: Iterable<string>, body: () => A): A {
    const outer = this.scope
    this.scope = new Scope(outer, pending)
    try {
      return body()
    } finally {
      this.scope = outer
    }
  }
}
