/**
 * The levels of all priorities, and those among them that may have someone in them. Internal to RunQueue.
 */
import * as Limits from "./Limits.ts"
import { RunLevel } from "./RunLevel.ts"
import type { Runnable } from "./RunQueue.ts"
import { weightOf } from "./Weight.ts"

export class RunLevels {
  /** In no order. */
  readonly active: Array<RunLevel>
  private readonly all: Array<RunLevel | undefined>

  constructor() {
    this.active = []
    this.all = []
  }

  /** The level of a priority, made at its first use. */
  of(priority: number): RunLevel {
    return (this.all[priority] ??= new RunLevel(weightOf(priority), Limits.turnMessages / weightOf(priority)))
  }

  /** Who is in them, in no order. */
  list(): ReadonlyArray<Runnable> {
    return this.active.flatMap((level) => level.list())
  }

  activate(level: RunLevel): void {
    if (level.isActive) return
    level.isActive = true
    this.active.push(level)
  }

  deactivateAll(): void {
    for (const level of this.active) level.isActive = false
    this.active.length = 0
  }

  /** The level whose first actor would be least far ahead after its turn; of two alike, the one of higher priority. */
  choose(): RunLevel {
    const { active } = this
    let best: RunLevel | undefined
    let bestUntil = Number.POSITIVE_INFINITY
    for (let i = active.length - 1; i >= 0; i--) {
      const level = active[i]!
      if (level.size === 0) {
        level.isActive = false
        const last = active.pop()!
        if (last !== level) active[i] = last
        continue
      }
      const until = level.startOf(0) + level.turnTime
      if (until < bestUntil || (until === bestUntil && level.weight > best!.weight)) {
        best = level
        bestUntil = until
      }
    }
    return best!
  }
}
