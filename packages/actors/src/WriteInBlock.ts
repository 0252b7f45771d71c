/**
 * A write whose bytes lie where the encoder left them: in a block of memory beside others, with room for the header of a record before
 * them. A storage that keeps records may write the header there and give the block away (`StateRecord.sealInPlace`); to any other it is
 * a write like all others.
 *
 * An array for each state, or only a view of one, costs more than all else that is done with a state of 100 B, and engines keep
 * a list of the views of each block.
 */
import * as Codec from "@continuum/core/Codec"
import type { Write } from "./ActorStorage.ts"
import * as StateRecord from "./StateRecord.ts"

export class WriteInBlock implements Write {
  readonly address: string
  readonly block: Codec.Block
  /** Of the record in the block; its header is still to be written. */
  readonly start: number
  readonly end: number

  constructor(address: string, block: Codec.Block, start: number, end: number) {
    this.address = address
    this.block = block
    this.start = start
    this.end = end
  }

  /** A state that is plain data. Throws what `Codec.encodeInBlock` throws. */
  static of(address: string, plain: unknown): WriteInBlock {
    const block = Codec.encodeInBlock(plain, StateRecord.headerBytes)
    return new WriteInBlock(address, block, block.start, block.end)
  }

  get state(): Uint8Array {
    return this.block.subarray(this.start + StateRecord.headerBytes, this.end)
  }

  /** Bytes of the state. */
  get bytes(): number {
    return this.end - this.start - StateRecord.headerBytes
  }
}
