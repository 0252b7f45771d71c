/**
 * The ready actors of one priority, oldest first, each with the virtual time at which its turn begins. A ring of power-of-two
 * length that grows with the number of ready actors and is given back when they are gone. Internal to RunQueue.
 */
import type { Runnable } from "./RunQueue.ts"

export class RunLevel {
  readonly weight: number
  /** Virtual time of a whole turn. */
  readonly turnTime: number
  /** Whether the queue has it among those to choose from. */
  isActive: boolean
  size: number
  /** Work that the first one has done of its turn, when that was cut short. */
  workBefore: number
  private ring: Array<Runnable | undefined>
  private starts: Float64Array
  private head: number

  constructor(weight: number, turnTime: number) {
    this.weight = weight
    this.turnTime = turnTime
    this.isActive = false
    this.size = 0
    this.workBefore = 0
    this.ring = emptyRing(slotsMin)
    this.starts = new Float64Array(slotsMin)
    this.head = 0
  }

  /** Adds at the end. Its turn does not begin before those of the ones that are there already. */
  push(runnable: Runnable, start: number): void {
    if (this.size === this.ring.length) this.resize(this.size * 2)
    const mask = this.ring.length - 1
    const at = (this.head + this.size) & mask
    const before = this.size === 0 ? start : this.starts[(at - 1) & mask]!
    this.ring[at] = runnable
    this.starts[at] = start < before ? before : start
    this.size++
  }

  /** Adds at the front one whose turn is not over. */
  unshift(runnable: Runnable, start: number, workBefore: number): void {
    if (this.size === this.ring.length) this.resize(this.size * 2)
    this.head = (this.head - 1) & (this.ring.length - 1)
    this.ring[this.head] = runnable
    this.starts[this.head] = start
    this.workBefore = workBefore
    this.size++
  }

  /** When the turn of the one at `index`, counted from the front, begins. */
  startOf(index: number): number {
    return this.starts[(this.head + index) & (this.ring.length - 1)]!
  }

  /** In their order. */
  list(): ReadonlyArray<Runnable> {
    return Array.from({ length: this.size }, (_, i) => this.ring[(this.head + i) & (this.ring.length - 1)]!)
  }

  /** Removes the first; only while `size` is above 0. */
  shift(): Runnable {
    const { head } = this
    const runnable = this.ring[head]!
    this.ring[head] = undefined
    this.head = (head + 1) & (this.ring.length - 1)
    if (--this.size === 0 && this.ring.length > slotsIdleMax) this.resize(slotsMin)
    return runnable
  }

  /** Removes the one at `index`. O(size). */
  remove(index: number): Runnable {
    const mask = this.ring.length - 1
    const runnable = this.ring[(this.head + index) & mask]!
    for (let i = index; i > 0; i--) {
      this.ring[(this.head + i) & mask] = this.ring[(this.head + i - 1) & mask]
      this.starts[(this.head + i) & mask] = this.starts[(this.head + i - 1) & mask]!
    }
    this.shift()
    return runnable
  }

  private resize(slots: number): void {
    const ring = emptyRing(slots)
    const starts = new Float64Array(slots)
    for (let i = 0; i < this.size; i++) {
      ring[i] = this.ring[(this.head + i) & (this.ring.length - 1)]
      starts[i] = this.startOf(i)
    }
    this.ring = ring
    this.starts = starts
    this.head = 0
  }
}

/** Length of a new ring. */
export const slotsMin = 64
/** Length up to which an empty ring is kept: 1,024 references are 8 kB. Chosen, not measured. */
export const slotsIdleMax = 1_024

/** Slots with nothing in them, without holes. */
export const emptyRing = (length: number): Array<Runnable | undefined> => {
  const ring: Array<Runnable | undefined> = []
  for (let i = 0; i < length; i++) ring.push(undefined)
  return ring
}
