/**
 * How answers look to a person: aligned tables, sizes, durations, values. Plain functions from data to text.
 *
 * What comes from a node was perhaps written by a stranger, so control characters are shown and never sent to the
 * terminal, which would obey them.
 */
import { indentAfterFirst, printable } from "@continuum/core/Printable"
import { displayWidth } from "effect/cli/CliOutput"
import type { Style } from "./Style.ts"

export { indentAfterFirst, printable }

/** A column: its head, and how a row fills it. Numbers are aligned to the right. */
export interface Column<Row> {
  readonly head: string
  readonly cell: (row: Row) => string
  readonly align?: "left" | "right"
  /** Applied after padding, so that codes do not count as width. */
  readonly paint?: (text: string, row: Row) => string
}

const gap = "  "

/** Rows below their heads, or what to say when there are none. */
export const table = <Row>(
  style: Style,
  rows: ReadonlyArray<Row>,
  columns: ReadonlyArray<Column<Row>>,
  whenEmpty: string
): string => {
  if (rows.length === 0) return whenEmpty
  const cells = rows.map((row) => columns.map((column) => printable(column.cell(row))))
  const widths = columns.map(({ head }, i) => Math.max(width(head), ...cells.map((row) => width(row[i]!))))
  const place = (text: string, i: number) => {
    const space = " ".repeat(widths[i]! - width(text))
    if (columns[i]!.align === "right") return space + text
    return i === columns.length - 1 ? text : text + space
  }
  const heads = columns.map(({ head }, i) => style.dim(place(head, i))).join(gap)
  const lines = cells.map((row, r) =>
    row
      .map((text, i) => {
        const placed = place(text, i)
        return columns[i]!.paint === undefined ? placed : columns[i]!.paint(placed, rows[r]!)
      })
      .join(gap)
      .trimEnd()
  )
  return [heads, ...lines].join("\n")
}

/** Names and values, one a line. Absent values are left out. */
export const fields = (style: Style, pairs: ReadonlyArray<readonly [string, string | undefined]>): string => {
  const present = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined)
  const widest = Math.max(0, ...present.map(([name]) => width(name)))
  return present
    .map(
      ([name, value]) =>
        `${style.dim(name.padEnd(widest))}${gap}${indentAfterFirst(printable(value), widest + gap.length)}`
    )
    .join("\n")
}

/** `512 B`, `84.2 KiB`, `1.5 GiB`: powers of 1024, three digits. */
export const bytes = (count: number): string => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"]
  let unit = 0
  let value = count
  // 1023.95 would be shown as "1024 KiB".
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return unit === 0 ? `${count} B` : `${value < 99.95 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`
}

/** `0.4 ms`, `450 ms`, `3.2 s`, `4 min 5 s`, `3 h 12 min`, `2 d 3 h`: the two largest units that matter. */
export const milliseconds = (ms: number): string => {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${ms.toFixed(0)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  const hours = Math.floor(minutes / 60)
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `1,234,567`; fractions keep two digits. */
export const count = (value: number): string => {
  const [whole = "", fraction] = (Number.isInteger(value) ? String(value) : value.toFixed(2)).split(".")
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ",")
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}

// Chosen, not measured: what fits a line of a common terminal beside an indent.
const valueWidthMax = 76

/** A value as JSON: on one line while it fits, indented otherwise. */
export const value = (data: unknown): string => {
  const line = JSON.stringify(data) ?? "null"
  return printable(line.length <= valueWidthMax ? line : (JSON.stringify(data, null, 2) ?? "null"))
}

/** Cells of a terminal that a text takes: two for wide characters, none for those that combine. */
export const width = displayWidth
