/**
 * Tells a process that was started again from two processes with one key. Every process greets with bytes of its own; one
 * that comes back after another has taken its place was never gone.
 */
import type { PublicKey } from "@continuum/core/Identity"
import { peersMax } from "@continuum/core/Limits"
import * as Limits from "./Limits.ts"

export class Instances {
  /** The processes seen with each key, the last one last. */
  private readonly seen: Map<PublicKey, Array<string>>

  constructor() {
    this.seen = new Map()
  }

  /** Notes that a process with this key has greeted. Whether there are two of them. */
  isSecond(peer: PublicKey, instance: Uint8Array): boolean {
    const text = instance.join(".")
    const known = this.seen.get(peer) ?? []
    this.seen.delete(peer)
    if (this.seen.size >= peersMax) this.seen.delete(this.seen.keys().next().value!)
    const second = known.includes(text) && known.at(-1) !== text
    this.seen.set(peer, [...known.filter((other) => other !== text), text].slice(-Limits.instancesKept))
    return second
  }
}
