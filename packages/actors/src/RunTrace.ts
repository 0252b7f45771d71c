/**
 * Which actor had which turn of the run queue, while somebody records: to be read or drawn. Turns of one actor that follow each other at
 * once are one entry. Bounded: the oldest entries make room.
 */
import { localRealm } from "@continuum/core/Address"
import * as Limits from "./Limits.ts"
import type { Runnable } from "./RunQueue.ts"
import { draw } from "./TimelineSvg.ts"

export interface RunTurn {
  readonly address: string
  readonly priority: number
  /** Milliseconds since 1970, with fractions. */
  readonly fromMs: number
  readonly toMs: number
  /** What it did, in messages. */
  readonly work: number
  /** `preempted`: a better actor woke, and the turn goes on later. */
  readonly end: "done" | "preempted"
}

interface Kept {
  readonly runnable: Runnable
  readonly fromMs: number
  toMs: number
  work: number
  end: RunTurn["end"]
}

export class RunTrace {
  /** Entries that made room. */
  forgotten: number
  private readonly nowMs: () => number
  private readonly addressOf: (runnable: Runnable) => string
  private readonly turnsMax: number
  private readonly kept: Array<Kept>
  private beganAtMs: number | undefined
  /** When messages began that are handled without a turn, one inside the other. */
  private readonly directAtMs: Array<number>

  /** `nowMs` with fractions: most turns take some microseconds. */
  constructor(
    nowMs: () => number,
    addressOf: (runnable: Runnable) => string,
    turnsMax: number = Limits.recordedTurnsKept
  ) {
    this.forgotten = 0
    this.nowMs = nowMs
    this.addressOf = addressOf
    this.turnsMax = turnsMax
    this.kept = []
    this.beganAtMs = undefined
    this.directAtMs = []
  }

  began(): void {
    this.beganAtMs = this.nowMs()
  }

  ended(part: Runnable, work: number, isPreempted: boolean): void {
    // Of one that began before the recording, the beginning is not known.
    if (this.beganAtMs !== undefined)
      this.add(part.owner ?? part, this.beganAtMs, work, isPreempted ? "preempted" : "done")
  }

  /** A message is handled right now, without a turn. */
  beganDirect(): void {
    this.directAtMs.push(this.nowMs())
  }

  endedDirect(runnable: Runnable): void {
    const fromMs = this.directAtMs.pop()
    if (fromMs !== undefined) this.add(runnable, fromMs, 1, "done")
  }

  private add(runnable: Runnable, fromMs: number, work: number, end: RunTurn["end"]): void {
    const toMs = this.nowMs()
    const last = this.kept.at(-1)
    if (last?.runnable === runnable && last.end === "done" && fromMs - last.toMs <= togetherMs) {
      last.toMs = toMs
      last.work += work
      last.end = end
      return
    }
    if (this.kept.push({ runnable, fromMs, toMs, work, end }) <= this.turnsMax) return
    // A tenth at once, so that adding stays cheap.
    const count = Math.ceil(this.turnsMax / 10)
    this.kept.splice(0, count)
    this.forgotten += count
  }

  /** Oldest first. */
  get turns(): ReadonlyArray<RunTurn> {
    return this.kept.map(({ runnable, ...turn }) => ({
      address: this.addressOf(runnable),
      priority: runnable.priority,
      ...turn
    }))
  }
}

/** The turns as an SVG picture: a row for each actor, a bar for each turn. */
export const svg = (turns: ReadonlyArray<RunTurn>): string => {
  const begin = turns.reduce((earliest, { fromMs }) => Math.min(earliest, fromMs), Number.POSITIVE_INFINITY)
  return draw({
    bars: turns.map(({ address, end, fromMs, priority, toMs, work }) => ({
      row: address.startsWith(own) ? address.slice(own.length) : address,
      fromMs,
      toMs,
      color: colors[end],
      title: `${address} (priority ${priority}): ${(fromMs - begin).toFixed(3)} to ${(toMs - begin).toFixed(3)} ms, ${work} messages, ${end}`
    })),
    legend: colors
  })
}

/** Turns of one actor with no more than this between them are one, in ms: below it nobody else had the thread. Chosen, not measured. */
const togetherMs = 0.005

/** Where most of them are; in front of each name it would say nothing. */
const own = `continuum://${localRealm}/`

const colors: Record<RunTurn["end"], string> = { done: "#2e7d32", preempted: "#f9a825" }
