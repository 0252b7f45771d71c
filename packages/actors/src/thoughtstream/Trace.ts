/**
 * What the ThoughtStream decided and why, to be read or looked at: the bids for each turn with their scores, who got it, and when each
 * turn began, was suspended, went on and ended. Bounded: the oldest entries make room.
 */
import * as Limits from "../Limits.ts"

export interface Decision {
  readonly _tag: "Decision"
  readonly timeMs: number
  readonly turnId: string
  readonly why: "named" | "all answered" | "window" | "the one before died"
  /** Best first; the first one has the turn. */
  readonly bids: ReadonlyArray<{
    readonly personaId: string
    readonly score: number
    readonly effectivePriority: number
  }>
}

export interface Span {
  readonly _tag: "Span"
  readonly personaId: string
  readonly turnId: string
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

  /** The turns as an SVG picture: a row for each persona, a bar for each stretch of a turn, time to the right. */
  svg(): string {
    const spans = this.kept.filter((entry) => entry._tag === "Span")
    const begin = beginOf(spans)
    const length = Math.max(1, ...spans.map(({ toMs }) => toMs - begin))
    const personas = [...new Set(spans.map(({ personaId }) => personaId))]
    const x = (timeMs: number) => (labelWidth + ((timeMs - begin) / length) * chartWidth).toFixed(1)
    const rows = personas.map(
      (personaId, row) => `<text x="0" y="${row * rowHeight + 15}">${escape(shortOf(personaId))}</text>`
    )
    const bars = spans.map(({ end, fromMs, personaId, toMs, turnId }) => {
      const width = Math.max(1, ((toMs - fromMs) / length) * chartWidth).toFixed(1)
      const y = personas.indexOf(personaId) * rowHeight + 4
      const title = `${personaId}: ${turnId}, ${fromMs - begin} to ${toMs - begin} ms, ${end}`
      return (
        `<rect x="${x(fromMs)}" y="${y}" width="${width}" height="${rowHeight - 6}" fill="${colors[end]}">` +
        `<title>${escape(title)}</title></rect>`
      )
    })
    const height = personas.length * rowHeight
    const axis = `<text x="${labelWidth}" y="${height + 15}">0</text><text x="${labelWidth + chartWidth}" y="${height + 15}" text-anchor="end">${length} ms</text>`
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${labelWidth + chartWidth} ${height + rowHeight}" font-family="sans-serif" font-size="12">`,
      ...rows,
      ...bars,
      axis,
      "</svg>"
    ].join("\n")
  }
}

const labelWidth = 90
const chartWidth = 900
const rowHeight = 20
const colors: Record<Span["end"], string> = {
  done: "#2e7d32",
  suspended: "#f9a825",
  died: "#c62828",
  expired: "#6a1b9a"
}

const beginOf = (entries: ReadonlyArray<Entry>): number =>
  Math.min(...entries.map((entry) => (entry._tag === "Span" ? entry.fromMs : entry.timeMs)))

const lineOf = (entry: Entry, begin: number): string => {
  if (entry._tag === "Span") {
    const { end, fromMs, personaId, toMs, turnId } = entry
    return `${toMs - begin} ms: ${turnId}: the turn of ${shortOf(personaId)} since ${fromMs - begin} ms is ${end}`
  }
  const bids = entry.bids.map(
    ({ effectivePriority, personaId, score }) =>
      `${shortOf(personaId)} ${score.toFixed(3)} (priority ${effectivePriority.toFixed(1)})`
  )
  return `${entry.timeMs - begin} ms: ${entry.turnId}: ${entry.why}: ${bids.join(" > ")}`
}

/** The first group of a UUID, which is enough to tell a few personas apart. */
const shortOf = (personaId: string): string => personaId.split("-", 1)[0]!

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
