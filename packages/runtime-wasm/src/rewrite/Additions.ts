/**
 * Types and functions that the rewriter adds to a module. They stand behind its own, so that no index of it changes.
 */
import type { Module, Type } from "./Module.ts"
import { Writer } from "./Writer.ts"

/** A function that was added. */
interface Added {
  readonly type: number
  /** Locals and instructions, as the code section has them. */
  readonly body: Uint8Array
}

export class Additions {
  readonly types: Array<Type> = []
  readonly functions: Array<Added> = []
  readonly #module: Module

  constructor(module: Module) {
    this.#module = module
  }

  /** Index of a new type. */
  addType(params: ReadonlyArray<number>, results: ReadonlyArray<number>): number {
    return (
      this.#module.types.length +
      this.types.push({ params: Uint8Array.from(params), results: Uint8Array.from(results) }) -
      1
    )
  }

  /** Index of a new function. `write` gets a writer that is empty, for its locals and instructions. */
  addFunction(type: number, write: (body: Writer) => void): number {
    const body = new Writer(64)
    write(body)
    return this.#module.functions.length + this.functions.push({ type, body: body.toBytes() }) - 1
  }
}
