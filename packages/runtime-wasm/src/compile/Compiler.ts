/**
 * Port: how a language becomes a module file. A compiler runs in a sandbox child; it may loop, grow and crash.
 *
 * Its file depends on the request and the compiler's version alone, never on time or chance, so that a source has the
 * same content id on every node.
 */
import type { QuickJs } from "./QuickJs.ts"
import type { ValueType } from "./ValueType.ts"

export interface Request {
  /** Text; bytes for `wasm`. */
  readonly source: string | Uint8Array
  /** The type of the input that it is to be compiled for, where that makes a difference and is known. */
  readonly input: ValueType | undefined
}

export interface Compiler {
  readonly lang: string
  /** Gives the module file, manifest included. Throws `CompileError`s; anything else is a fault of the compiler. */
  readonly compile: (request: Request, quickJs: QuickJs) => Promise<Uint8Array>
}

/** Languages that every node compiles. */
export const languages = ["js", "wat", "wasm"] as const

/** Part of what a compilation is remembered by: raise it when any compiler may give other bytes for the same request. */
export const revision = "1"

/** The compiler of a language; loaded at first use, since asc alone takes a second. */
export const load = async (lang: string): Promise<Compiler | undefined> => {
  switch (lang) {
    case "js":
      return (await import("./JavaScript.ts")).compiler
    case "wat":
    case "wasm":
      return (await import("./Binary.ts"))[lang]
    default:
      return undefined
  }
}
