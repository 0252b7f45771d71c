/**
 * Reads the JavaScript of a function: that it parses, where the function is, and that it names nothing that a function
 * does not get. Runs in the compile child, since a hostile text may be deep.
 *
 * The check of names is there to tell a person early and exactly. What keeps a function from the machine is the
 * sandbox, where none of those names exist.
 */
import * as acorn from "acorn"
import { SourceMalformed, SourceRefused } from "../JitError.ts"
import { functionSourceBytesMax, sourceNestingMax } from "../Limits.ts"
import * as SourceNames from "./SourceNames.ts"

export type FunctionNode = SourceNames.FunctionNode

export interface Parsed {
  /** The function that the source means: its last expression or declaration, or its `export default`. */
  readonly main: FunctionNode
  /** Whether the source is nothing but that function. */
  readonly alone: boolean
  /** An expression whose value is the function, with what the source has before it in scope. Strict mode. */
  readonly script: string
  /** How many arguments it takes. With other than one, the input is the list of them. */
  readonly parameters: { readonly min: number; readonly max: number }
}

/** Parses a source. Throws `SourceMalformed` or `SourceRefused`. */
export const parseUnsafe = (source: string): Parsed => {
  const bytes = new TextEncoder().encode(source).length
  if (bytes > functionSourceBytesMax)
    throw malformed(`it has ${bytes} bytes, and the limit is ${functionSourceBytesMax}`)
  if (!source.isWellFormed()) throw malformed("it is not well-formed Unicode: half of a surrogate pair stands alone")
  const program = parseProgram(source)
  checkNesting(program)
  // A semicolon behind a function, as many write it, is no statement that means anything.
  const body = program.body.filter(({ type }) => type !== "EmptyStatement")
  const main = mainOf(body)
  checkNames(program, main)
  if (main.generator) throw malformed("a generator is no function of an input; return an array", main)
  SourceNames.checkUnsafe(program)
  const before = body.slice(0, -1).map((node) => source.slice(node.start, node.end))
  const text = source.slice(main.start, main.end)
  const required = main.params.findIndex((parameter) => parameter.type !== "Identifier" && !isPattern(parameter))
  const rest = main.params.at(-1)?.type === "RestElement"
  return {
    main,
    alone: before.length === 0,
    // A plain function has no `this`, as a module has none; an arrow would have the interpreter's global. Its `arguments`
    // are out of reach: that name is refused outside a function.
    script: `(function () { "use strict"\n${before.join("\n")}\nreturn (${text})\n})()`,
    parameters: {
      min: required < 0 ? main.params.length : required,
      max: rest ? Number.MAX_SAFE_INTEGER : main.params.length
    }
  }
}

const isPattern = (node: acorn.Pattern) => node.type === "ObjectPattern" || node.type === "ArrayPattern"

const malformed = (reason: string, node?: acorn.Node): SourceMalformed =>
  new SourceMalformed({ lang: "js", ...SourceNames.positionOf(node), reason })

const nestedTooDeeply = `it is nested deeper than ${sourceNestingMax} levels`

/** acorn's flags for a function: it is a statement; it may have no name. */
const isStatement = 1
const mayBeNameless = 4

/**
 * Takes `function (x) { ... }` where a statement begins, as people write it. Extends the parser, rather than putting
 * parentheses around the source, so that positions stay true. `mainOf` refuses it where it is not the last.
 */
const NamelessParser = acorn.Parser.extend((Base) => {
  type ParseFunction = (node: acorn.Node, flags: number, ...rest: ReadonlyArray<unknown>) => acorn.Node
  const { parseFunction } = Base.prototype as unknown as { readonly parseFunction: ParseFunction }
  return class extends Base {
    parseFunction(...[node, flags, ...rest]: Parameters<ParseFunction>): acorn.Node {
      const more = (flags & isStatement) === 0 ? flags : flags | mayBeNameless
      return parseFunction.call(this, node, more, ...rest)
    }
  } as unknown as typeof acorn.Parser
})

const parseProgram = (source: string): acorn.Program => {
  try {
    return NamelessParser.parse(source, {
      ecmaVersion: 2025,
      sourceType: "module",
      locations: true,
      allowAwaitOutsideFunction: false
    })
  } catch (cause) {
    const { loc, message } = cause as SyntaxError & { readonly loc: acorn.Position }
    const reason = message.startsWith("Not enough stack") ? nestedTooDeeply : message.replace(/ \(\d+:\d+\)$/, "")
    throw new SourceMalformed({ lang: "js", line: loc.line, column: loc.column + 1, reason })
  }
}

/** A limit of our own, far below what any engine's stack holds, so that every node refuses the same sources. */
const checkNesting = (program: acorn.Program): void => {
  const open: Array<{ readonly node: acorn.Node; readonly depth: number }> = [{ node: program, depth: 0 }]
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const { node, depth } = entry
    if (depth > sourceNestingMax) throw malformed(nestedTooDeeply, node)
    for (const child of SourceNames.childrenOf(node)) open.push({ node: child, depth: depth + 1 })
  }
}

/** Only the function that the source means may be without a name. */
const checkNames = (node: acorn.Node, main: FunctionNode): void => {
  if (node.type === "FunctionDeclaration" && (node as acorn.FunctionDeclaration).id === null && node !== main) {
    throw malformed("a function that is not the last of the source needs a name", node)
  }
  for (const child of SourceNames.childrenOf(node)) checkNames(child, main)
}

const mainOf = (body: acorn.Program["body"]): FunctionNode => {
  for (const statement of body.slice(0, -1)) {
    if (statement.type.startsWith("Export")) throw malformed("what is exported must stand last", statement)
  }
  const last = body.at(-1)
  if (last === undefined) throw malformed("it is empty; give a function such as (input) => input * 2")
  const candidate =
    last.type === "ExpressionStatement"
      ? last.expression
      : last.type === "ExportDefaultDeclaration"
        ? last.declaration
        : last
  switch (candidate.type) {
    case "ArrowFunctionExpression":
    case "FunctionExpression":
    case "FunctionDeclaration":
      return candidate as FunctionNode
  }
  if (last.type.startsWith("Import")) throw new SourceRefused({ name: "import", ...SourceNames.positionOf(last) })
  throw malformed("it must be a function, or end with one, such as (input) => input * 2", last)
}
