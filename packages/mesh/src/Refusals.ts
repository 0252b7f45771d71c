/**
 * Asks and tells that were refused because their sender holds no grant: counted, logged once in a while for each peer, and
 * limited, so that refusing stays cheap.
 */
import type { PublicKey } from "@continuum/core/Identity"
import { peersMax } from "@continuum/core/Limits"
import * as Limits from "./Limits.ts"

interface Count {
  windowMs: number
  inWindow: number
  loggedMs: number
}

export class Refusals {
  /** All since the process began. */
  total: number
  private readonly counts: Map<PublicKey, Count>

  constructor() {
    this.total = 0
    this.counts = new Map()
  }

  /** Counts one. `log`: it is time for a line in the log. `tooMany`: the peer should lose its connection. */
  add(peer: PublicKey, nowMs: number): { readonly log: boolean; readonly tooMany: boolean } {
    this.total++
    let count = this.counts.get(peer)
    if (count === undefined) {
      // The one that was refused first is forgotten first: at worst one more line in the log.
      if (this.counts.size >= peersMax) this.counts.delete(this.counts.keys().next().value!)
      count = { windowMs: nowMs, inWindow: 0, loggedMs: -Infinity }
      this.counts.set(peer, count)
    }
    if (nowMs - count.windowMs >= 60_000) {
      count.windowMs = nowMs
      count.inWindow = 0
    }
    count.inWindow++
    const log = nowMs - count.loggedMs >= Limits.refusalLogEveryMs
    if (log) count.loggedMs = nowMs
    return { log, tooMany: count.inWindow > Limits.refusalsPerMinuteMax }
  }
}
