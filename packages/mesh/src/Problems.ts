/**
 * What went wrong with connections: the last of them, each once, with how often. Strangers, which anybody can be under as many keys
 * as he likes, never push out what concerns this node or a peer with a grant, and do not fill the log.
 */
import type { PublicKey } from "@continuum/core/Identity"
import * as Limits from "./Limits.ts"
import type { MeshProblem } from "./MeshError.ts"

/** Something that went wrong with connections. */
export interface ProblemSeen {
  readonly problem: MeshProblem
  /** Whether the peer had no grant, and was not this node itself, when it happened last. */
  isStranger: boolean
  /** How often, and when last, in milliseconds since 1970. */
  count: number
  timeMs: number
  /** When the log last said so. */
  loggedMs: number
}

/** What strangers did wrong. */
export interface StrangersSeen {
  /** Their connections that were refused or ended for a fault, since the process began. */
  readonly count: number
  /** When that happened last, in milliseconds since 1970; 0 when it never did. */
  readonly lastMs: number
}

export class Problems {
  /** Newest last; at most `Limits.problemsKept`. */
  readonly seen: Array<ProblemSeen>
  strangers: StrangersSeen
  private strangerLoggedMs: number
  private readonly isStranger: (peer: PublicKey) => boolean

  constructor(isStranger: (peer: PublicKey) => boolean) {
    this.seen = []
    this.strangers = { count: 0, lastMs: 0 }
    this.strangerLoggedMs = -Infinity
    this.isStranger = isStranger
  }

  /** Notes one. Answers whether it is time for a line in the log: the same is said once a minute, and strangers are once a second. */
  add(problem: MeshProblem, timeMs: number): boolean {
    const isStranger = this.isStranger(problem.peer)
    if (isStranger) this.strangers = { count: this.strangers.count + 1, lastMs: timeMs }
    const index = this.seen.findIndex((seen) => seen.problem.message === problem.message)
    const [seen = { problem, isStranger, count: 0, timeMs, loggedMs: -Infinity }] =
      index < 0 ? [] : this.seen.splice(index, 1)
    this.seen.push(seen)
    if (this.seen.length > Limits.problemsKept) {
      const oldest = this.seen.findIndex((seen) => seen.isStranger)
      this.seen.splice(Math.max(oldest, 0), 1)
    }
    seen.isStranger = isStranger
    seen.count++
    seen.timeMs = timeMs
    if (timeMs - seen.loggedMs < Limits.refusalLogEveryMs) return false
    if (isStranger && timeMs - this.strangerLoggedMs < Limits.strangerLogEveryMs) return false
    seen.loggedMs = timeMs
    if (isStranger) this.strangerLoggedMs = timeMs
    return true
  }
}
