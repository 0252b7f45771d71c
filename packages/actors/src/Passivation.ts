/**
 * Actors that are idle leave memory, and the next message brings them back with their stored state: so a system has a bounded
 * number of active actors, however many there are.
 *
 * Each use of an actor gets a number, and a sweep only compares numbers, so a message costs no look at the clock. An actor leaves
 * after it was idle for its time and at most half as long again. When a system has as many active actors as it may, the least
 * recently used of those that are idle leave, some at a time.
 */
import { Duration, Effect } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import * as ActorEvents from "./ActorEvents.ts"
import * as ActorStop from "./ActorStop.ts"
import type { ActorType } from "./ActorType.ts"
import * as Limits from "./Limits.ts"

/** What passivation needs of the system. */
export interface Host {
  readonly nowMs: () => number
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly types: ReadonlyMap<string, ActorType>
  /** The number of a use that is later than all before. */
  readonly nextUse: () => number
}

export class Passivation {
  /** Actors that left memory since the system began. */
  passivated: number
  private readonly host: Host
  private readonly activeActorsMax: number
  private readonly swept: Set<ActorType>
  private lookAgainMs: number

  constructor(host: Host, activeActorsMax: number) {
    this.passivated = 0
    this.host = host
    this.activeActorsMax = activeActorsMax
    this.swept = new Set()
    this.lookAgainMs = 0
  }

  /** An actor of this type is active now: sweeps begin, unless they are under way. */
  activated(type: ActorType): void {
    if (!Number.isFinite(type.passivateAfterMs) || this.swept.has(type)) return
    this.swept.add(type)
    this.host.fork(this.sweeps(type, type.passivateAfterMs / 2))
  }

  private sweeps(type: ActorType, everyMs: number): Effect.Effect<void> {
    const { host, swept } = this
    const passivate = (cell: ActorCell, before: number) => {
      if (cell.usedAt < before && this.mayLeave(cell)) this.passivate(cell)
    }
    return Effect.gen(function* () {
      let beforeLast = -1
      let last = -1
      for (;;) {
        yield* Effect.sleep(everyMs)
        if (type.cells.size === 0) break
        let looked = 0
        for (const cell of type.cells.values()) {
          passivate(cell, beforeLast)
          if (++looked % Limits.passivationSliceActors === 0) yield* Effect.yieldNow
        }
        beforeLast = last
        last = host.nextUse()
      }
      swept.delete(type)
    })
  }

  /** Whether there is room for one more of `active` actors. O(active) when actors have to leave for it, which is seldom. */
  hasRoom(active: number): boolean {
    if (active < this.activeActorsMax) return true
    const nowMs = this.host.nowMs()
    if (nowMs < this.lookAgainMs) return false
    const idle: Array<ActorCell> = []
    for (const type of this.host.types.values()) {
      if (!Number.isFinite(type.passivateAfterMs)) continue
      for (const cell of type.cells.values()) if (this.mayLeave(cell)) idle.push(cell)
    }
    if (idle.length === 0) {
      this.lookAgainMs = nowMs + Math.floor(active / Limits.passivationLooksPerMs)
      return false
    }
    const uses = Float64Array.from(idle, ({ usedAt }) => usedAt).sort()
    const leaving = Math.ceil(this.activeActorsMax * Limits.passivationShare)
    const last = uses[Math.min(leaving, uses.length) - 1]!
    for (const cell of idle) if (cell.usedAt <= last) this.passivate(cell)
    return true
  }

  private passivate(cell: ActorCell): void {
    this.passivated++
    ActorEvents.passivated(cell)
    ActorStop.passivate(cell)
  }

  /** Whether nothing would be lost or missed if the actor left memory now. Its restarts of the period would be, too. */
  private mayLeave(cell: ActorCell): boolean {
    const { beside, current, durable, history, mailbox, phase, relations, stash, timers, type } = cell
    if (phase !== "ready" || current !== undefined || mailbox.size > 0 || relations?.any === true) return false
    if (cell.isAnonymous || cell.parent !== undefined) return false
    if (timers !== undefined && timers.size > 0) return false
    if (stash !== undefined || (beside !== undefined && beside.size > 0)) return false
    if (durable !== undefined && (durable.dirty || durable.inFlight > 0)) return false
    const lastRestartMs = history?.recent.at(-1)
    if (lastRestartMs === undefined) return true
    return this.host.nowMs() - lastRestartMs >= Duration.toMillis(type.definition.strategy.period)
  }
}
