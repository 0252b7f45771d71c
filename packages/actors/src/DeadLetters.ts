/**
 * The messages that no actor took, with the reason: the last `deadLettersMax` of them, without their payloads.
 */
import { deadLettersMax } from "./Limits.ts"
import type { DeadLetter } from "./rpc.ts"

export class DeadLetters {
  /** All since the process began, those no longer kept included. */
  total: number
  private readonly kept: Array<{ timeMs: number; address: string; messageName: string; reason: string }>
  private oldest: number

  constructor() {
    this.total = 0
    this.kept = []
    this.oldest = 0
  }

  add(timeMs: number, address: string, messageName: string, reason: string): void {
    this.total++
    const letter = { timeMs, address, messageName, reason }
    if (this.kept.length < deadLettersMax) {
      this.kept.push(letter)
      return
    }
    this.kept[this.oldest] = letter
    this.oldest = (this.oldest + 1) % deadLettersMax
  }

  /** Newest first. */
  list(): Array<DeadLetter> {
    const { kept, oldest } = this
    return Array.from({ length: kept.length }, (_, i) => {
      const { timeMs, ...letter } = kept[(oldest + kept.length - 1 - i) % kept.length]!
      return { time: new Date(timeMs).toISOString(), ...letter }
    })
  }
}
