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
  const main = mainOf(program)
  if (main.generator) throw malformed("a generator is no function of an input; return an array", main)
  SourceNames.checkUnsafe(program)
  const before = program.body.slice(0, -1).map((node) => source.slice(node.start, node.end))
  const text = source.slice(main.start, main.end)
  const required = main.params.findIndex((parameter) => parameter.type !== "Identifier" && !isPattern(parameter))
  const rest = main.params.at(-1)?.type === "RestElement"
  return {
    main,
    alone: before.length === 0,
    script: `(() => { "use strict"\n${before.join("\n")}\nreturn (${text})\n})()`,
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

const parseProgram = (source: string): acorn.Program => {
  try {
    return acorn.parse(source, {
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

const mainOf = (program: acorn.Program): FunctionNode => {
  for (const statement of program.body.slice(0, -1)) {
    if (statement.type.startsWith("Export")) throw malformed("what is exported must stand last", statement)
  }
  const last = program.body.at(-1)
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
