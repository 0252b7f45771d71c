/**
 * Cuts function bodies into segments: sets of instructions of which one execution runs all or none, unless it traps.
 *
 * To charge fuel once for a whole segment is therefore as exact as to charge each instruction. A segment begins at the
 * body, at a loop, at each arm of an `if`, behind a `br_if`, and behind a construct that something inside leaves for
 * further out; behind any other construct the segment from before it goes on. Whether fuel is left must be asked on
 * every cycle: at bodies, and at loops.
 *
 * Two steps save charges without changing their sum. A loop that is repeated by plain `br` only is paid by those who
 * enter and repeat it, so that a `while` loop charges once a round and not twice. And callers can pay for a function
 * (`settle`). One pass over the code, linear in its size.
 */
import { ModuleRefused } from "../JitError.ts"
import * as Limits from "../Limits.ts"
import type { Instruction } from "./Instruction.ts"
import { Op } from "./Opcode.ts"
import type { Reader } from "./Reader.ts"

const none = -1

/** The segments of all bodies of a module, in the order of their offsets. */
export class Segments {
  count = 0
  /** Offset in the module at which a segment begins. */
  offsets = new Int32Array(4096)
  /** Fuel of one execution of a segment. Complete after `settle`. */
  costs = new Float64Array(4096)
  /** 1 where it must be asked whether fuel is left. */
  checks = new Uint8Array(4096)

  /** The segment that the next instruction belongs to; -1 in code that cannot be reached. */
  current = none
  /** What one execution of every instruction of this body costs. */
  bodyCost = 0
  /** Whether this body has a loop. */
  bodyLoops = false

  #depth = 0
  readonly #frames: Array<Frame> = []
  /** Costs that are paid elsewhere: pairs of a loop's segment and a segment that pays for it, inner loops first. */
  readonly #moves: Array<number> = []
  /** Pairs of a segment and the function that it calls. */
  readonly #calls: Array<number> = []

  /** Begins a body whose first instruction is at `offset`; each call of it costs `cost` before the first instruction. */
  begin(offset: number, cost: number): void {
    this.#depth = 0
    this.bodyCost = cost
    this.bodyLoops = false
    this.current = this.#segment(offset, 1)
    this.costs[this.current] = cost
    this.#open(Op.block)
  }

  /** Whether the end of the body has been passed. */
  ended(): boolean {
    return this.#depth === 0
  }

  /** Takes in the next instruction, behind which `reader` stands. Throws `ModuleMalformed` for a label that is not there. */
  add(instruction: Instruction, reader: Reader): void {
    const after = reader.position
    switch (instruction.opcode) {
      case Op.block:
        return this.#open(Op.block)
      case Op.loop:
        // Of those who enter it, not of those who repeat it.
        this.charge()
        return this.#loop(after)
      case Op.else:
        return this.#else(after, reader)
      case Op.end:
        return this.#end(after)
      case Op.if:
        this.charge()
        this.#open(Op.if)
        return this.#split(after)
      case Op.br:
        this.charge()
        this.#branch(instruction.index, true, reader)
        this.current = none
        return
      case Op.brIf:
        this.charge()
        this.#branch(instruction.index, false, reader)
        return this.#split(after)
      case Op.brTable:
        this.charge()
        for (let at = 0; at < instruction.targetCount; at++) this.#branch(instruction.targets[at]!, false, reader)
        this.current = none
        return
      case Op.return:
        this.charge()
        this.#branch(this.#depth - 1, true, reader)
        this.current = none
        return
      case Op.unreachable:
        // No way out: the run ends in a trap, which is allowed to have paid for what would have come.
        this.charge()
        this.current = none
        return
      case Op.call:
        if (this.current !== none) this.#calls.push(this.current, instruction.index)
        this.charge()
        return
      default:
        this.charge()
    }
  }

  /**
   * Completes the costs once all bodies are in. `prepaid(function)` is what callers pay for a call of it besides the
   * call itself: 0 for all that pay for themselves.
   */
  settle(prepaid: (callee: number) => number): void {
    for (let at = 0; at < this.#calls.length; at += 2) this.costs[this.#calls[at]!]! += prepaid(this.#calls[at + 1]!)
    for (let at = 0; at < this.#moves.length;) {
      const from = this.#moves[at]!
      const cost = this.costs[from]!
      for (; this.#moves[at] === from; at += 2) this.costs[this.#moves[at + 1]!]! += cost
      this.costs[from]! -= cost
    }
  }

  /** Takes in an instruction that control flow passes through. */
  charge(): void {
    this.bodyCost++
    if (this.current !== none) this.costs[this.current]!++
  }

  #split(offset: number): void {
    if (this.current !== none) this.current = this.#segment(offset, 0)
  }

  #branch(label: number, always: boolean, reader: Reader): void {
    const target = this.#depth - 1 - label
    if (target < 0) reader.fail(`there is no label ${label} here`)
    if (this.current === none) return
    const top = this.#frames[this.#depth - 1]!
    if (target < top.escape) top.escape = target
    const frame = this.#frames[target]!
    if (frame.opcode !== Op.loop) frame.joined = true
    else if (always) frame.repeaters.push(this.current)
    else frame.header = none
  }

  #open(opcode: number): void {
    const at = this.#depth++
    if (at === Limits.nestingMax) {
      throw new ModuleRefused({ reason: `it has blocks more than ${Limits.nestingMax} deep` })
    }
    if (at === this.#frames.length) this.#frames.push(new Frame())
    const frame = this.#frames[at]!
    frame.opcode = opcode
    frame.before = this.current
    frame.escape = at
    frame.joined = false
  }

  #loop(after: number): void {
    this.#open(Op.loop)
    this.bodyLoops = true
    const frame = this.#frames[this.#depth - 1]!
    frame.repeaters.length = 0
    frame.header = this.current === none ? none : this.#segment(after, 1)
    this.current = frame.header
  }

  #else(after: number, reader: Reader): void {
    const frame = this.#frames[this.#depth - 1]!
    if (frame.opcode !== Op.if) reader.fail("there is an else without an if")
    frame.opcode = Op.else
    if (this.current !== none) frame.joined = true
    this.current = frame.before === none ? none : this.#segment(after, 0)
  }

  #end(after: number): void {
    const top = --this.#depth
    const frame = this.#frames[top]!
    if (frame.opcode === Op.loop && frame.header !== none) this.#moveHeader(frame)
    if (top > 0) {
      const outer = this.#frames[top - 1]!
      if (frame.escape < outer.escape) outer.escape = frame.escape
    }
    if (frame.before === none) return
    if (frame.opcode === Op.if) frame.joined = true
    if (this.current === none && !frame.joined) return
    if (frame.escape === top) this.current = frame.before
    else if (frame.joined) this.current = this.#segment(after, 0)
  }

  // Entering costs the segment before, repeating costs those who do. They also ask whether fuel is left.
  #moveHeader({ header, before, repeaters }: Frame): void {
    this.#moves.push(header, before)
    this.checks[header] = 0
    for (const repeater of repeaters) {
      this.#moves.push(header, repeater)
      this.checks[repeater] = 1
    }
  }

  #segment(offset: number, check: number): number {
    const at = this.count++
    if (at === this.offsets.length) {
      this.offsets = grown(this.offsets, new Int32Array(at * 2))
      this.costs = grown(this.costs, new Float64Array(at * 2))
      this.checks = grown(this.checks, new Uint8Array(at * 2))
    }
    this.offsets[at] = offset
    this.costs[at] = 0
    this.checks[at] = check
    return at
  }
}

/** A construct that is open. */
class Frame {
  opcode = 0
  /** The segment before the construct; -1 when it cannot be reached. */
  before = none
  /** Depth of the outermost construct that something inside branches to. */
  escape = 0
  /** Whether the code behind is reached by a branch, or by an arm that is not the last. */
  joined = false
  /** The segment of a loop; -1 when a conditional branch repeats it, which cannot pay for only one of its ways. */
  header = none
  /** Segments that end in an unconditional branch to the loop. */
  repeaters: Array<number> = []
}

const grown = <A extends { set(from: ArrayLike<number>): void } & ArrayLike<number>>(from: A, into: A): A => {
  into.set(from)
  return into
}
