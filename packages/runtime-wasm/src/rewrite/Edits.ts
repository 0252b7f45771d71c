/**
 * A list of places in the code where something is put in or replaced, in the order of their offsets. Everything between
 * two places is copied as it stands, so that code which nothing is done to costs little to rewrite.
 */
export class Edits {
  count = 0
  /** Offset in the module before which something is put. */
  offsets = new Int32Array(1024)
  /** Offset at which copying goes on: the same, or behind the instruction that is replaced. */
  ends = new Int32Array(1024)
  /** What is put there: `Edit`. */
  kinds = new Uint8Array(1024)
  /** The function, for those that name one. */
  functions = new Uint32Array(1024)

  add(offset: number, end: number, kind: number, target = 0): void {
    const at = this.count++
    if (at === this.offsets.length) this.#grow(at * 2)
    this.offsets[at] = offset
    this.ends[at] = end
    this.kinds[at] = kind
    this.functions[at] = target
  }

  #grow(capacity: number): void {
    const { offsets, ends, kinds, functions } = this
    this.offsets = new Int32Array(capacity)
    this.ends = new Int32Array(capacity)
    this.kinds = new Uint8Array(capacity)
    this.functions = new Uint32Array(capacity)
    this.offsets.set(offsets)
    this.ends.set(ends)
    this.kinds.set(kinds)
    this.functions.set(functions)
  }
}

/** What an edit puts into the code. */
export const Edit = {
  /** Code that makes the f32 on top of the stack canonical. */
  canonicalF32: 0,
  /** The same for an f64. */
  canonicalF64: 1,
  /** A call of a function. */
  call: 2,
  /** A reference to a function. */
  reference: 3
} as const
