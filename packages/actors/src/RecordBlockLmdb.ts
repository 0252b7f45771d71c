/**
 * Memory for records on their way to LMDB: many side by side in one block.
 *
 * A block of its own for each record of 100 B, or only a view of one, costs more than all else that is done with it, and lmdb asks
 * the engine for the address of each. So a record is the whole block, with the place of the record in it, as lmdb takes
 * values from encoders that keep a buffer (`start` and `end`, lmdb 3.5.6). It reads the place at once, and holds the block until the
 * record is written. No place is used twice. A state that its encoder left in a block becomes a record there.
 */
import type { Write } from "./ActorStorage.ts"
import { recordBlockBytes } from "./Limits.ts"
import * as StateRecord from "./StateRecord.ts"
import { WriteInBlock } from "./WriteInBlock.ts"

type Block = Uint8Array & { start: number; end: number }

const makeBlock = (): Block => Object.assign(new Uint8Array(recordBlockBytes), { start: 0, end: 0 })

export class RecordBlock {
  private block: Block | undefined

  /** The record of a write, to be given to lmdb before the next one is made; undefined for a removal. */
  of(write: Write): Uint8Array | undefined {
    if (!(write instanceof WriteInBlock))
      return write.state === undefined ? undefined : this.seal(write.address, write.state)
    const { address, end, start } = write
    const block = write.block as Block
    StateRecord.sealInPlace(block, start, end, address)
    block.start = start
    block.end = end
    return block
  }

  /** The record of a state, to be given to lmdb before the next one is made. Long ones are arrays of their own. */
  seal(address: string, state: Uint8Array): Uint8Array {
    const length = StateRecord.headerBytes + state.length
    if (length > recordBlockBytes / 4) return StateRecord.seal(address, state)
    let { block } = this
    if (block === undefined || block.end + length > block.length) this.block = block = makeBlock()
    block.start = block.end
    block.end += length
    StateRecord.sealAt(block, block.start, address, state)
    return block
  }
}
