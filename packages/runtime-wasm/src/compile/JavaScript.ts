/**
 * JavaScript to a module file: compiled where its types are clear and the compiled form agrees with the reference,
 * otherwise the source itself, to be run on QuickJS. Either way the file answers every input as JavaScript would.
 *
 * A pure function of the source and the type of the input: the same bytes on every node and runtime.
 */
import * as ContentId from "@continuum/core/ContentId"
import * as MeteredInstance from "../abi/MeteredInstance.ts"
import { ModuleMalformed, RunFailed, SourceMalformed } from "../JitError.ts"
import { differentialInputs, outputCharactersMax, referenceFuelMax } from "../Limits.ts"
import * as Manifest from "../Manifest.ts"
import * as Rewrite from "../rewrite/Rewrite.ts"
import { covers, execute } from "../sandbox/Execute.ts"
import * as AssemblyScript from "./AssemblyScript.ts"
import type { Compiler } from "./Compiler.ts"
import * as Differential from "./Differential.ts"
import * as InferTypes from "./InferTypes.ts"
import * as Inputs from "./Inputs.ts"
import { engineVersion, type QuickJs } from "./QuickJs.ts"
import * as Reference from "./Reference.ts"
import * as Source from "./Source.ts"
import { NotCovered } from "./TranslateScope.ts"
import type { ValueType } from "./ValueType.ts"

export const compiler: Compiler = {
  lang: "js",
  compile: async ({ source, input }, quickJs) => {
    if (typeof source !== "string") {
      throw new SourceMalformed({ lang: "js", line: 1, column: 1, reason: "it must be text, not bytes" })
    }
    const parsed = Source.parseUnsafe(source)
    checkEvaluates(parsed, quickJs)
    const id = ContentId.of(source)
    try {
      const parameters = InferTypes.parameters(parsed, input)
      const inputs = Inputs.generate(parameters, id, differentialInputs)
      const answers = Reference.answers(quickJs, parsed, inputs)
      const result = InferTypes.result(answers)
      const module = await AssemblyScript.compile(parsed.main, parameters, result)
      const manifest = compiledManifest(id, module, parameters, result)
      const run = compiledFunction(module.bytes, manifest, parameters.length)
      const verdict = Differential.compare(inputs, answers, run)
      if (!verdict.equal) return interpreted(source, id, parsed, verdict.reason)
      return Manifest.attachUnsafe(module.bytes, { ...manifest, tested: verdict.tested }, source)
    } catch (error) {
      if (error instanceof NotCovered) return interpreted(source, id, parsed, `${error.reason} is not compiled`)
      if (error instanceof InferTypes.NoTypes) return interpreted(source, id, parsed, error.reason)
      if (error instanceof AssemblyScript.NotCompiled) return interpreted(source, id, parsed, `asc: ${error.reason}`)
      throw error
    }
  }
}

/**
 * Throws `ModuleMalformed` unless the file, which another node compiled of the source, answers as the source does: the same
 * test that a compiler here must pass, on inputs that the other node could not know from the source alone.
 */
export const verify = (file: Uint8Array, source: string, input: ValueType | undefined, quickJs: QuickJs): void => {
  const { manifest, source: carried } = Manifest.readUnsafe(file)
  if (carried !== source)
    throw new ModuleMalformed({ reason: "it carries another source than the one it is said to be" })
  if (manifest.engine === "quickjs") return
  const parsed = Source.parseUnsafe(source)
  const parameters = InferTypes.parameters(parsed, input)
  const inputs = Inputs.generate(parameters, ContentId.of(file), differentialInputs)
  const run = compiledFunction(file, manifest, parameters.length)
  const verdict = Differential.compare(inputs, Reference.answers(quickJs, parsed, inputs), run)
  if (!verdict.equal) throw new ModuleMalformed({ reason: verdict.reason })
}

/** The file of a function that runs on QuickJS, with the reason for that. */
const interpreted = (source: string, id: ContentId.ContentId, parsed: Source.Parsed, reason: string): Uint8Array => {
  const { max, min } = parsed.parameters
  const names = max > min ? ["...any"] : Array<string>(max).fill("any")
  return Manifest.quickJsUnsafe(source, {
    format: 1,
    engine: "quickjs",
    abi: "raw1",
    lang: "js",
    signature: `(${names.join(", ")}) => any`,
    source: id,
    compiler: engineVersion,
    tested: 0,
    reason
  })
}

const compiledManifest = (
  id: ContentId.ContentId,
  module: AssemblyScript.Module,
  parameters: ReadonlyArray<ValueType>,
  result: ValueType
): Manifest.Manifest => {
  const scalar = (type: ValueType) => (type === "bool" ? "bool" : "f64")
  return {
    format: 1,
    engine: "wasm",
    abi: module.abi,
    lang: "js",
    ...(module.abi === "scalar1" ? { entry: "run", params: parameters.map(scalar), result: scalar(result) } : {}),
    signature: AssemblyScript.signature(parameters, result),
    source: id,
    compiler: AssemblyScript.compilerVersion,
    tested: 0
  }
}

/** The compiled function as the differential test calls it: metered, so that it ends. */
const compiledFunction = (bytes: Uint8Array, manifest: Manifest.Manifest, count: number) => {
  const module = MeteredInstance.compileUnsafe(Rewrite.rewriteUnsafe(bytes).bytes)
  return (values: ReadonlyArray<unknown>): Differential.Compiled => {
    const input = count === 1 ? values[0] : values
    if (!covers(manifest, input)) return { kind: "trap" }
    const outcome = execute(module, manifest, input, referenceFuelMax)
    if ("output" in outcome) return { kind: "value", value: outcome.output }
    return { kind: outcome.error instanceof RunFailed ? "trap" : "fuel" }
  }
}

/** What acorn reads and QuickJS does not (it follows the language a year or two behind) is a source that does not parse. */
const checkEvaluates = (parsed: Source.Parsed, quickJs: QuickJs): void => {
  const outcome = quickJs.run({
    script: `() => { ${parsed.script} }`,
    input: null,
    spread: false,
    fuelMax: referenceFuelMax,
    outputCharactersMax
  })
  if ("error" in outcome && outcome.error instanceof RunFailed && outcome.error.reason.startsWith("SyntaxError")) {
    throw new SourceMalformed({ lang: "js", line: 1, column: 1, reason: `QuickJS: ${outcome.error.reason}` })
  }
}
