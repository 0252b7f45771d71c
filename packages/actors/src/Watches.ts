/**
 * Who wants to hear of the end of whom. By address, so that an actor that leaves memory and comes back is watched on; a
 * restart is no end. Each watcher is told once.
 */
import type { Terminated } from "./Actor.ts"
import * as Limits from "./Limits.ts"

export class Watches {
  private readonly byAddress: Map<string, Map<unknown, (terminated: Terminated) => void>>

  constructor() {
    this.byAddress = new Map()
  }

  /** Whether anyone watches anyone. */
  get any(): boolean {
    return this.byAddress.size > 0
  }

  /** Watches in place of an earlier watch by the same watcher. Throws `RangeError` when too many watch this address. */
  add(address: string, watcher: unknown, tell: (terminated: Terminated) => void): void {
    let watchers = this.byAddress.get(address)
    if (watchers === undefined) this.byAddress.set(address, (watchers = new Map()))
    if (watchers.size >= Limits.watchersMax && !watchers.has(watcher))
      throw new RangeError(`${address} has ${Limits.watchersMax} watchers already`)
    watchers.set(watcher, tell)
  }

  remove(address: string, watcher: unknown): void {
    const watchers = this.byAddress.get(address)
    if (watchers?.delete(watcher) === true && watchers.size === 0) this.byAddress.delete(address)
  }

  tell(terminated: Terminated): void {
    const watchers = this.byAddress.get(terminated.address)
    if (watchers === undefined) return
    this.byAddress.delete(terminated.address)
    for (const tell of watchers.values()) tell(terminated)
  }
}
