/**
 * Translated functions to WebAssembly, by asc (https://www.assemblyscript.org).
 *
 * The result imports nothing. It has no garbage collector: an instance serves one call and is then dropped, so memory is
 * only ever added to, and one that would need more than its limit traps and leaves the call to the interpreter.
 */
import asc from "assemblyscript/asc"
import * as Exports from "./AssemblyExports.ts"
import type { FunctionNode } from "./Source.ts"
import { translate } from "./Translate.ts"
import { format, type ValueType } from "./ValueType.ts"

/** Part of each module's manifest: another version, or other options, may give other bytes. */
export const compilerVersion = "assemblyscript 0.28.20"

/** asc refused the translated text. `reason` is its first diagnostic. */
export class NotCompiled {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

export interface Module {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly abi: "scalar1" | "raw1"
}

const isScalar = (type: ValueType) => type === "f64" || type === "bool"

/** Compiles a function for these types. Throws `NotCovered` or `NotCompiled`. Takes 0.1 to 1 s. */
export const compile = async (
  main: FunctionNode,
  parameters: ReadonlyArray<ValueType>,
  result: ValueType
): Promise<Module> => {
  const abi = [...parameters, result].every(isScalar) ? "scalar1" : "raw1"
  const exports = abi === "scalar1" ? Exports.scalar1Export : Exports.raw1Exports
  const text = `${translate(main, parameters, result)}\n${exports(parameters, result)}`
  return { bytes: await run(text, abi), abi }
}

/** The signature as a person reads it: `(f64, string) => bool`. */
export const signature = (parameters: ReadonlyArray<ValueType>, result: ValueType): string =>
  `(${parameters.map(format).join(", ")}) => ${format(result)}`

const run = async (text: string, abi: Module["abi"]): Promise<Uint8Array<ArrayBuffer>> => {
  let bytes: Uint8Array | undefined
  let diagnostics = ""
  const options = [
    "function.ts",
    "--outFile=function.wasm",
    // Against -O3: half the time to compile, for 0 to 8 % more fuel in five programs.
    "-O2",
    // No garbage collector, see above.
    "--runtime=stub",
    // Without it the module would import a function to report where it aborted.
    "--use=abort=",
    ...(abi === "scalar1" ? ["--noExportMemory"] : [])
  ]
  const { error } = await asc.main(options, {
    readFile: (name) => (name === "function.ts" ? text : null),
    writeFile: (name, contents) => {
      if (name === "function.wasm") bytes = contents as Uint8Array
    },
    listFiles: () => [],
    stdout: sink(() => {}),
    stderr: sink((line) => (diagnostics += line))
  })
  if (bytes === undefined || error)
    throw new NotCompiled(firstDiagnostic(diagnostics) ?? error?.message ?? "asc gave no module")
  return new Uint8Array(bytes)
}

const sink = (write: (line: string) => void) => ({
  write: (chunk: string | Uint8Array) => {
    write(typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk))
    return true
  }
})

/** `ERROR TS2322: Type 'i32' is not assignable ...` of a longer report. */
const firstDiagnostic = (diagnostics: string): string | undefined =>
  // The report is colored where there is a terminal.
  // oxlint-disable-next-line no-control-regex
  diagnostics
    // oxlint-disable-next-line no-control-regex -- what asc colours its diagnostics with
    .replace(/\u001b\[[0-9;]*m/g, "")
    .match(/(?:ERROR|FAILURE).*/)?.[0]
    .trim()
