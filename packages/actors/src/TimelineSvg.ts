/**
 * Draws who did what when, as an SVG picture: a row for each name, a bar for each stretch of time, time to the right. Stretches of one name
 * that overlap get lanes below each other. Whoever points at a bar reads its title.
 */

export interface Bar {
  readonly row: string
  readonly fromMs: number
  readonly toMs: number
  readonly color: string
  readonly title: string
  /** Milliseconds before `fromMs` in which it waited, drawn as a thin line. */
  readonly waitedMs?: number
}

/** A moment in a row. */
export interface Mark {
  readonly row: string
  readonly atMs: number
  readonly title: string
}

export interface Picture {
  readonly bars: ReadonlyArray<Bar>
  readonly marks?: ReadonlyArray<Mark>
  /** What the colours mean. */
  readonly legend: Readonly<Record<string, string>>
}

/** Time 0 is the earliest bar or mark. Without any, an empty picture. */
export const draw = ({ bars, legend, marks = [] }: Picture): string => {
  let begin = Number.POSITIVE_INFINITY
  let end = Number.NEGATIVE_INFINITY
  for (const { fromMs, toMs, waitedMs = 0 } of bars) {
    begin = Math.min(begin, fromMs - waitedMs)
    end = Math.max(end, toMs)
  }
  for (const { atMs } of marks) {
    begin = Math.min(begin, atMs)
    end = Math.max(end, atMs)
  }
  const length = bars.length + marks.length === 0 ? 1 : Math.max(end - begin, 0.001)
  const x = (timeMs: number) => labelWidth + ((timeMs - begin) / length) * chartWidth
  const width = (ms: number) => Math.max(1, (ms / length) * chartWidth).toFixed(1)
  const { lanes, rows } = lanesOf(bars, marks)
  const height = rows.reduce((sum, row) => sum + row.lanes.length, 0) * rowHeight
  const body: Array<string> = []
  for (const { label, lanes, top } of rows) {
    const y = top * rowHeight
    body.push(
      `<line x1="0" y1="${y}" x2="${labelWidth + chartWidth}" y2="${y}" stroke="#ddd"/>`,
      `<text x="0" y="${y + 15}"><title>${escape(label)}</title>${escape(shortened(label))}</text>`
    )
    if (lanes.length > 1) body.push(`<text x="0" y="${y + 33}" fill="#777">${lanes.length} at once</text>`)
  }
  bars.forEach((bar, index) => {
    const y = lanes[index]! * rowHeight
    const { color, fromMs, title, toMs, waitedMs = 0 } = bar
    if (waitedMs > 0) {
      body.push(
        `<line x1="${x(fromMs - waitedMs).toFixed(1)}" y1="${y + 11}" x2="${x(fromMs).toFixed(1)}" y2="${y + 11}" stroke="${waitColor}" stroke-width="3"/>`
      )
    }
    body.push(
      `<rect x="${x(fromMs).toFixed(1)}" y="${y + 4}" width="${width(toMs - fromMs)}" height="${rowHeight - 6}" fill="${color}">` +
        `<title>${escape(title)}</title></rect>`
    )
  })
  for (const { atMs, row, title } of marks) {
    const y = rows.find(({ label }) => label === row)!.top * rowHeight
    const at = x(atMs).toFixed(1)
    body.push(
      `<path d="M${at} ${y + 1} l4 0 l-4 7 l-4 -7 z" fill="${markColor}"><title>${escape(title)}</title></path>`
    )
  }
  const entries = Object.entries(legend)
  const shown = entries.map(
    ([meaning, color], index) =>
      `<rect x="${labelWidth + index * legendWidth}" y="${height + 26}" width="12" height="12" fill="${color}"/>` +
      `<text x="${labelWidth + index * legendWidth + 18}" y="${height + 36}">${escape(meaning)}</text>`
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${labelWidth + chartWidth + marginRight} ${height + 46}" font-family="sans-serif" font-size="12">`,
    `<rect x="0" y="0" width="100%" height="100%" fill="#fff"/>`,
    ...body,
    `<text x="${labelWidth}" y="${height + 15}">0</text>`,
    `<text x="${labelWidth + chartWidth}" y="${height + 15}" text-anchor="end">${lengthText(length)} ms</text>`,
    ...shown,
    "</svg>"
  ].join("\n")
}

const labelWidth = 170
const chartWidth = 900
const rowHeight = 20
/** So that a short bar at the very end is seen. */
const marginRight = 10
const legendWidth = 110
/** Characters of a row's name that fit before the chart. */
const labelMax = 26
const waitColor = "#bdbdbd"
const markColor = "#1565c0"

interface Row {
  readonly label: string
  /** Until when each lane is taken. */
  readonly lanes: Array<number>
  /** Lanes of the rows above. */
  top: number
}

/** The rows in order of appearance, and for each bar its lane, counted from the top of the picture. */
const lanesOf = (bars: ReadonlyArray<Bar>, marks: ReadonlyArray<Mark>) => {
  const rows = new Map<string, Row>()
  const rowOf = (label: string): Row => {
    const known = rows.get(label)
    if (known !== undefined) return known
    const fresh: Row = { label, lanes: [], top: 0 }
    rows.set(label, fresh)
    return fresh
  }
  const inRow = new Map<Bar, number>()
  for (const bar of [...bars].sort((a, b) => beginOf(a) - beginOf(b))) {
    const { lanes } = rowOf(bar.row)
    const free = lanes.findIndex((until) => until <= beginOf(bar))
    const lane = free === -1 ? lanes.length : free
    lanes[lane] = bar.toMs
    inRow.set(bar, lane)
  }
  for (const { row } of marks) rowOf(row)
  let top = 0
  for (const row of rows.values()) {
    if (row.lanes.length === 0) row.lanes.push(0)
    row.top = top
    top += row.lanes.length
  }
  return { rows: [...rows.values()], lanes: bars.map((bar) => rows.get(bar.row)!.top + inRow.get(bar)!) }
}

const beginOf = ({ fromMs, waitedMs = 0 }: Bar): number => fromMs - waitedMs

const lengthText = (ms: number): string => (ms < 10 ? ms.toFixed(3) : String(Math.round(ms)))

/** The end of a long name says more than its beginning. */
const shortened = (label: string): string => (label.length <= labelMax ? label : `…${label.slice(1 - labelMax)}`)

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
