/**
 * The ready actors while all are of one priority, first come first served: a ring of power-of-two length that grows with their
 * number. Internal to RunQueue.
 */
import { emptyRing, slotsIdleMax, slotsMin } from "./RunLevel.ts"
import type { Runnable } from "./RunQueue.ts"

export class RunRing {
  size: number
  private slots: Array<Runnable | undefined>
  private head: number

  constructor() {
    this.size = 0
    this.slots = emptyRing(slotsMin)
    this.head = 0
  }

  push(runnable: Runnable): void {
    if (this.size === this.slots.length) this.grow()
    this.slots[(this.head + this.size) & (this.slots.length - 1)] = runnable
    this.size++
  }

  /** Removes the first; only while `size` is above 0. */
  shift(): Runnable {
    const { head, slots } = this
    const runnable = slots[head]!
    slots[head] = undefined
    this.head = (head + 1) & (slots.length - 1)
    this.size--
    return runnable
  }

  /** Oldest first. */
  list(): ReadonlyArray<Runnable> {
    return Array.from({ length: this.size }, (_, i) => this.slots[(this.head + i) & (this.slots.length - 1)]!)
  }

  /** Gives the room of a burst back; only while it is empty. */
  giveBack(): void {
    if (this.slots.length <= slotsIdleMax) return
    this.slots = emptyRing(slotsMin)
    this.head = 0
  }

  private grow(): void {
    const larger = emptyRing(this.slots.length * 2)
    for (let i = 0; i < this.size; i++) larger[i] = this.slots[(this.head + i) & (this.slots.length - 1)]
    this.slots = larger
    this.head = 0
  }
}
