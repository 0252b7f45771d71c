/**
 * What the ThoughtStream decided and why, to be read or looked at: the bids for each turn with their scores, who got it, and when each
 * turn began, was suspended, went on and ended. Bounded: the oldest entries make room.
 */
import * as Limits from "../Limits.ts"
import { draw } from "../TimelineSvg.ts"

export interface Decision {
  readonly _tag: "Decision"
  readonly timeMs: number
  readonly turnId: string
  readonly why: "named" | "all answered" | "window" | "the one before died"
  /** Best first; the first one has the turn. */
  readonly bids: ReadonlyArray<{
    readonly personaId: string
    readonly name: string
    readonly score: number
    readonly effectivePriority: number
  }>
}

export interface Span {
  readonly _tag: "Span"
  readonly personaId: string
  readonly name: string
  readonly turnId: string
  /** Milliseconds that it was ready before. */
  readonly waitedMs: number
  readonly fromMs: number
  readonly toMs: number
  /** How it ended: `suspended` goes on later, `died` and `expired` make room for the next bid. */
  readonly end: "done" | "suspended" | "died" | "expired"
}

export type Entry = Decision | Span

export class Trace {
  private readonly kept: Array<Entry>
  private readonly entriesMax: number
  /** Entries that made room. */
  forgotten: number

  constructor(entriesMax: number = Limits.traceEntriesKept) {
    this.kept = []
    this.entriesMax = entriesMax
    this.forgotten = 0
  }

  add(entry: Entry): void {
    if (this.kept.push(entry) <= this.entriesMax) return
    // A tenth at once, so that adding stays cheap.
    const count = Math.ceil(this.entriesMax / 10)
    this.kept.splice(0, count)
    this.forgotten += count
  }

  /** Oldest first. */
  get entries(): ReadonlyArray<Entry> {
    return this.kept.slice()
  }

  /** One line for each entry, times in milliseconds since the first one. */
  text(): string {
    const begin = beginOf(this.kept)
    return this.kept.map((entry) => lineOf(entry, begin)).join("\n")
  }

  /** The turns as an SVG picture: a row for each persona, a bar for each stretch of a turn, a mark for each decision. */
  svg(): string {
    const begin = beginOf(this.kept)
    return draw({
      bars: this.kept.flatMap((entry) => {
        if (entry._tag === "Decision") return []
        const { end, fromMs, name, toMs, turnId, waitedMs } = entry
        const title = `${name}: ${turnId}, ${fromMs - begin} to ${toMs - begin} ms, ${end}, waited ${waitedMs} ms`
        return [{ row: name, fromMs, toMs, waitedMs, color: colors[end], title }]
      }),
      marks: this.kept.flatMap((entry) =>
        entry._tag === "Decision" && entry.bids.length > 0
          ? [{ row: entry.bids[0]!.name, atMs: entry.timeMs, title: lineOf(entry, begin) }]
          : []
      ),
      legend: colors
    })
  }
}

const colors: Record<Span["end"], string> = {
  done: "#2e7d32",
  suspended: "#f9a825",
  died: "#c62828",
  expired: "#6a1b9a"
}

/** When the first of them began to be of interest: also its waiting. */
const beginOf = (entries: ReadonlyArray<Entry>): number =>
  entries.reduce(
    (begin, entry) => Math.min(begin, entry._tag === "Span" ? entry.fromMs - entry.waitedMs : entry.timeMs),
    Number.POSITIVE_INFINITY
  )

const lineOf = (entry: Entry, begin: number): string => {
  if (entry._tag === "Span") {
    const { end, fromMs, name, toMs, turnId } = entry
    return `${toMs - begin} ms: ${turnId}: the turn of ${name} since ${fromMs - begin} ms is ${end}`
  }
  const bids = entry.bids.map(
    ({ effectivePriority, name, score }) => `${name} ${score.toFixed(3)} (priority ${effectivePriority.toFixed(1)})`
  )
  return `${entry.timeMs - begin} ms: ${entry.turnId}: ${entry.why}: ${bids.join(" > ")}`
}
