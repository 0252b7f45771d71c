/**
 * The queue of actors that have something to do. One per system, drained on the host's thread.
 *
 * Order is by virtual time: a turn moves its actor ahead by the work it did divided by the actor's weight, 2^((priority - 128) / 32),
 * and the actor that would be least far ahead after its turn is next. Actors of one priority take turns first come first served,
 * at no cost for the rest. So none starves (`waitBound`), busy actors share the thread by weight, and one that wakes goes
 * before those of lower priority, whose turn ends early. Source: S. J. Golestani, "A self-clocked fair queueing scheme", 1994.
 *
 * After a bounded amount of work, or of milliseconds, the host's timers and I/O get their share. What runs the queue is the
 * service `Drain`.
 */
import type { Drain } from "./Drain.ts"
import * as Limits from "./Limits.ts"
import type { RunLevel } from "./RunLevel.ts"
import { RunLevels } from "./RunLevels.ts"
import { RunRing } from "./RunRing.ts"
import type { RunTrace } from "./RunTrace.ts"
import { weightOf } from "./Weight.ts"

export { Drain, drainByScheduler } from "./Drain.ts"
export { waitBound, weightOf } from "./Weight.ts"

/** What takes turns. */
export interface Runnable {
  /** 0 to 255, higher first. Read when it enters the queue. */
  readonly priority: number
  /** Works until it has done `turnWork`, has nothing to do or finds `turnOver`; returns how much it did, in messages. */
  readonly turn: () => number
  /** Whether it has more to do right now. */
  readonly ready: boolean
  /** Whose work it does, where it is only a part of an actor. */
  readonly owner?: Runnable
}

export class RunQueue {
  /** Messages that the present turn may handle. */
  turnMessages: number
  /** Operations of Effects that the present turn may run. */
  turnOperations: number
  /** Whether the present turn should end early: a better actor woke, or an Effect used up its time. */
  turnOver: boolean
  /** The actor whose turn it is, or that is handling a message directly. */
  running: Runnable | undefined
  /** Hears of every turn, while somebody records them. */
  trace: RunTrace | undefined
  // Totals since the system began, plain numbers that someone scrapes.
  turns: number
  preemptions: number
  private readonly drain: Drain
  private readonly nowMs: () => number
  // While all that are ready are of one priority: its level, and here the actors themselves. First come first served, and virtual
  // time stands still.
  private plain: RunLevel | undefined
  private readonly ring: RunRing
  // Otherwise the levels that have someone in them, and how many these are.
  private readonly levels: RunLevels
  private weighted: number
  // No actor that is ready would be less far ahead than this after its turn; whoever wakes begins here.
  private virtualNow: number
  private runningLevel: RunLevel | undefined
  private runningFrom: number
  private runningUntil: number
  private preempted: boolean
  private charged: number
  private continuation: Runnable | undefined
  private scheduled: boolean
  private workLeft: number
  private untilClock: number
  private hostTurnAtMs: number
  // The time since the present turns were scheduled; undefined until someone asks.
  private turnsAtMs: number | undefined
  private readonly direct: boolean
  private directDepth: number
  private readonly outer: Array<Runnable | undefined>
  // What is to be done after the present turns.
  private after: Array<() => void>

  constructor(drain: Drain, nowMs: () => number) {
    this.turnMessages = Limits.turnMessages
    this.turnOperations = Limits.turnOperations
    this.turnOver = false
    this.running = undefined
    this.trace = undefined
    this.turns = 0
    this.preemptions = 0
    this.drain = drain
    this.nowMs = nowMs
    this.plain = undefined
    this.ring = new RunRing()
    this.levels = new RunLevels()
    this.weighted = 0
    this.virtualNow = 0
    this.runningLevel = undefined
    this.runningFrom = 0
    this.runningUntil = 0
    this.preempted = false
    this.charged = 0
    this.continuation = undefined
    this.scheduled = false
    this.workLeft = Limits.hostTurnMessages
    this.untilClock = Limits.clockEveryMessages
    this.hostTurnAtMs = nowMs() + Limits.hostTurnMs
    this.turnsAtMs = undefined
    this.direct = drain.direct
    this.directDepth = 0
    this.outer = []
    this.after = []
  }

  /** Adds one that has become ready. The caller sees to it that nothing is in the queue twice. */
  push(runnable: Runnable): void {
    const level = this.levels.of(runnable.priority)
    if (level === this.plain || this.becomesPlain(level)) this.ring.push(runnable)
    else this.pushWeighted(level, runnable)
    if (!this.scheduled) {
      this.scheduled = true
      this.turnsAtMs = undefined
      this.drain.soon(this.run)
    }
  }

  /** Adds what goes on with the turn of the running actor: in its place, and not behind those that became ready meanwhile. */
  continueWith(runnable: Runnable): void {
    if (this.runningLevel === undefined || this.directDepth > 0) return this.push(runnable)
    this.continuation = runnable
    this.turnOver = true
  }

  /** Whether nobody waits for a turn. */
  get idle(): boolean {
    return this.ring.size === 0 && this.weighted === 0
  }

  /** Those that wait for a turn, in no order. O(n), for whoever looks. */
  waiting(): ReadonlyArray<Runnable> {
    return [...this.ring.list(), ...this.levels.list()]
  }

  /** The time for what need not be exact: at most the time of the present turns behind, and one look at the clock for all of them. */
  timeMs(): number {
    return this.scheduled ? (this.turnsAtMs ??= this.nowMs()) : this.nowMs()
  }

  /** Adds work to the present turn that its messages do not show. In messages; ends the turn when it has used up its time. */
  charge(work: number): void {
    this.charged += work
    if (this.charged >= Limits.turnMessages) this.turnOver = true
  }

  /**
   * Whether this actor may handle a message right now instead of in a turn: nobody waits for one, the host is not due, and the
   * stack is not deep. It counts like a message of a turn. Every `true` is followed by `leaveDirect`.
   */
  enterDirect(runnable: Runnable): boolean {
    if (!this.idle || !this.direct || this.directDepth >= Limits.directDepthMax) return false
    if (--this.workLeft <= 0) return false
    if (--this.untilClock <= 0 && this.hostIsDue()) {
      // The turns that follow begin with the host's, too.
      this.workLeft = 0
      return false
    }
    // Then whoever wakes meanwhile and is better will not be taken for the only priority there is.
    if (this.levels.of(runnable.priority) !== this.plain) this.plain = undefined
    this.outer[this.directDepth++] = this.running
    this.running = runnable
    this.trace?.beganDirect()
    return true
  }

  leaveDirect(): void {
    this.trace?.endedDirect(this.running!)
    this.running = this.outer[--this.directDepth]
    this.outer[this.directDepth] = undefined
    if (this.runningLevel === undefined && (this.charged > 0 || this.turnOver)) this.workLeft -= this.takeCharge()
  }

  /**
   * Runs a task when everything that is ready has had its turn, or as much of it as is done before timers and I/O are due
   * again.
   */
  afterTurns(task: () => void): void {
    this.drain.soon(() => {
      if (this.scheduled) this.after.push(task)
      else task()
    })
  }

  private turnsEnded(): void {
    if (this.after.length === 0) return
    const tasks = this.after
    this.after = []
    for (const task of tasks) task()
  }

  private readonly run = (): void => {
    const turnsBefore = this.turns
    this.turnsAtMs = undefined
    while (!this.idle) {
      if (this.workLeft <= 0 || (this.untilClock <= 0 && this.hostIsDue())) {
        if (this.turns > turnsBefore) this.turnsEnded()
        return this.makeWay(this.runAfterHost)
      }
      this.turns++
      const level = this.plain
      if (level === undefined) {
        if (this.drain.chance === undefined) {
          this.turnOf(this.levels.choose(), 0)
          continue
        }
        this.turnByChance(this.drain.chance)
        this.turnsEnded()
        return this.makeWay(this.run)
      }
      const runnable = this.ring.shift()
      this.running = runnable
      this.runningLevel = level
      this.trace?.began()
      let work = runnable.turn()
      if (this.charged > 0 || this.turnOver) work += this.takeCharge()
      this.workLeft -= work
      this.untilClock -= work
      this.trace?.ended(runnable, work, false)
      if (this.plain !== level) this.endTurn(runnable, level, work)
      else {
        if (runnable.ready) this.ring.push(runnable)
        if (this.continuation !== undefined) this.ring.push(this.takeContinuation()!)
      }
    }
    this.scheduled = false
    this.running = undefined
    this.runningLevel = undefined
    this.ring.giveBack()
    this.turnsEnded()
  }

  private makeWay(then: () => void): void {
    this.running = undefined
    this.runningLevel = undefined
    this.drain.later(then)
  }

  private readonly runAfterHost = (): void => {
    this.workLeft = Limits.hostTurnMessages
    this.untilClock = Limits.clockEveryMessages
    this.hostTurnAtMs = this.nowMs() + Limits.hostTurnMs
    this.run()
  }

  private takeContinuation(): Runnable | undefined {
    const { continuation } = this
    this.continuation = undefined
    return continuation
  }

  // ---------------------------------------------------------------- by virtual time, when priorities differ

  /** Whether this priority may be the only one: nobody of another is ready or has a turn. */
  private becomesPlain(level: RunLevel): boolean {
    if (!this.idle || this.runningLevel !== undefined || this.drain.chance !== undefined) return false
    this.levels.deactivateAll()
    this.virtualNow = 0
    this.plain = level
    this.interruptDirect(level)
    return true
  }

  /** Adds one whose priority is not the only one: from now on, times count. */
  private pushWeighted(level: RunLevel, runnable: Runnable): void {
    const { plain } = this
    if (plain !== undefined) {
      this.weighted = this.ring.size
      while (this.ring.size > 0) plain.push(this.ring.shift(), this.virtualNow)
      this.levels.activate(plain)
      this.runningFrom = this.virtualNow
      this.runningUntil = this.virtualNow + plain.turnTime
      this.plain = undefined
    }
    this.levels.activate(level)
    level.push(runnable, this.virtualNow)
    this.weighted++
    const { runningLevel } = this
    if (runningLevel === undefined) return this.interruptDirect(level)
    if (level.weight <= runningLevel.weight) return
    const until = this.virtualNow + level.turnTime
    if (until >= this.runningUntil || this.drain.chance !== undefined) return
    this.runningUntil = until
    this.preempted = true
    this.turnOver = true
  }

  /** One that is handling a message without having a turn makes way for a better one too. */
  private interruptDirect(level: RunLevel): void {
    if (this.running !== undefined && weightOf(this.running.priority) < level.weight) this.turnOver = true
  }

  private turnOf(level: RunLevel, index: number): void {
    const start = level.startOf(index)
    const before = level.workBefore
    level.workBefore = 0
    const runnable = index === 0 ? level.shift() : level.remove(index)
    this.weighted--
    this.running = runnable
    this.runningLevel = level
    this.runningFrom = start
    this.runningUntil = start + level.turnTime
    if (start > this.virtualNow) this.virtualNow = start
    if (before > 0) this.shortenTurn(before)
    this.trace?.began()
    const work = runnable.turn() + this.takeCharge()
    if (before > 0) this.shortenTurn(0)
    this.workLeft -= work
    this.untilClock -= work
    this.trace?.ended(runnable, work, this.preempted)
    this.endTurn(runnable, level, before + work)
  }

  private endTurn(runnable: Runnable, level: RunLevel, work: number): void {
    const end = this.runningFrom + work / level.weight
    // Never past those that wait, who would then be further behind the next to wake than a turn: by this the bound holds.
    const until = end < this.runningUntil ? end : this.runningUntil
    if (until > this.virtualNow) this.virtualNow = until
    if (this.preempted) this.preemptions++
    if (runnable.ready) this.pushAgain(runnable, level, work, end)
    if (this.continuation !== undefined) this.pushAgain(this.takeContinuation()!, level, work, end)
    this.preempted = false
  }

  private pushAgain(runnable: Runnable, level: RunLevel, work: number, end: number): void {
    this.levels.activate(level)
    // A better one cut the turn short: what is left of it comes before the turns of others.
    if (this.preempted && work < Limits.turnMessages) level.unshift(runnable, this.runningFrom, work)
    else level.push(runnable, end)
    this.weighted++
  }

  /** What a turn may do, when so much of it is done. */
  private shortenTurn(before: number): void {
    this.turnMessages = Limits.turnMessages - before
    this.turnOperations = Limits.turnOperations - before * Limits.operationsPerMessage
  }

  private turnByChance(chance: (below: number) => number): void {
    this.turnMessages = 1 + chance(Limits.turnMessages)
    this.turnOperations = 1 + chance(simulatedOperationsMax)
    let index = chance(this.weighted)
    for (const level of this.levels.active) {
      if (index < level.size) return this.turnOf(level, index)
      index -= level.size
    }
  }

  /** The work charged to a turn that has ended. */
  private takeCharge(): number {
    const { charged } = this
    this.charged = 0
    this.turnOver = false
    return charged
  }

  private hostIsDue(): boolean {
    this.untilClock = Limits.clockEveryMessages
    return this.nowMs() >= this.hostTurnAtMs
  }
}

// Short enough that fibers meet in the middle of what they do, long enough that they get on. Chosen, not measured.
const simulatedOperationsMax = 64
