/**
 * Cuts a Markdown page into passages: what a person would read out loud as the answer to one question.
 *
 * A passage stays below one heading and has at most `passageCharactersMax` characters, unless a single paragraph or block
 * of code is longer. Each row of a table is a passage of its own, with the heads of its columns. It reads headings,
 * paragraphs, lists, tables and fenced code (CommonMark, https://spec.commonmark.org/0.31.2); anything else is text.
 */
import { passageCharactersMax } from "../Limits.ts"

/** A file of a library. */
export interface Page {
  /** Path for people, such as `docs/GUIDE.md`. */
  readonly source: string
  /** Markdown. */
  readonly text: string
}

/** A piece of a page. */
export interface Passage {
  readonly source: string
  /** The nearest heading above; the title of the page for what stands before the first. */
  readonly heading: string
  /** All headings above, outermost first. */
  readonly path: ReadonlyArray<string>
  /** Plain text, for a person. */
  readonly text: string
  readonly kind: "prose" | "row" | "code"
}

interface Block {
  readonly kind: Passage["kind"]
  readonly text: string
}

/** The passages of a page, in their order. */
export const passages = ({ source, text }: Page): ReadonlyArray<Passage> => {
  const found: Array<Passage> = []
  let path: ReadonlyArray<{ readonly depth: number; readonly title: string }> = []
  let blocks: Array<Block> = []
  const close = () => {
    const titles = path.map(({ title }) => title)
    for (const { kind, text } of joined(blocks)) {
      found.push({ source, heading: titles.at(-1) ?? source, path: titles, text, kind })
    }
    blocks = []
  }
  const lines = text.split(/\r?\n/)
  for (let at = 0; at < lines.length;) {
    const heading = /^(#{1,6})\s+(.+?)\s*#*$/.exec(lines[at]!)
    if (heading !== null) {
      close()
      const depth = heading[1]!.length
      path = [...path.filter((above) => above.depth < depth), { depth, title: plain(heading[2]!) }]
      at++
      continue
    }
    const { block, next } = readBlock(lines, at)
    blocks.push(...block)
    at = next
  }
  close()
  return found
}

const fence = /^\s*(```+|~~~+)/
const isTableRow = (line: string | undefined): boolean => line !== undefined && /^\s*\|.*\|\s*$/.test(line)
const isRule = (line: string | undefined): boolean => line !== undefined && /^\s*\|[\s:|-]+\|\s*$/.test(line)
const listItem = /^\s*(?:[-*+]|\d+[.)])\s+/

const readBlock = (lines: ReadonlyArray<string>, at: number): { block: ReadonlyArray<Block>; next: number } => {
  const line = lines[at]!
  if (line.trim() === "") return { block: [], next: at + 1 }
  const opening = fence.exec(line)?.[1]
  if (opening !== undefined) {
    let end = at + 1
    while (end < lines.length && !lines[end]!.trimStart().startsWith(opening)) end++
    const code = lines.slice(at + 1, end).map((one) => `    ${one}`)
    return { block: [{ kind: "code", text: code.join("\n").trimEnd() }], next: end + 1 }
  }
  if (isTableRow(line) && isRule(lines[at + 1])) {
    const heads = cells(line)
    let end = at + 2
    while (isTableRow(lines[end])) end++
    const rows = lines.slice(at + 2, end).map((row): Block => ({ kind: "row", text: rowText(heads, cells(row)) }))
    return { block: rows, next: end }
  }
  let end = at + 1
  while (
    end < lines.length &&
    lines[end]!.trim() !== "" &&
    !/^#{1,6}\s/.test(lines[end]!) &&
    !fence.test(lines[end]!)
  ) {
    if (listItem.test(lines[end]!) && !listItem.test(line)) break
    end++
  }
  return { block: [{ kind: "prose", text: paragraph(lines.slice(at, end)) }], next: end }
}

/** Lines of a paragraph become one; items of a list stay lines. */
const paragraph = (lines: ReadonlyArray<string>): string =>
  plain(
    lines
      .map((line, i) => (i > 0 && !listItem.test(line) ? ` ${line.trim()}` : `${i > 0 ? "\n" : ""}${line.trim()}`))
      .join("")
  )

/** `node` | `--port N`: cells of a row, in which `\|` is a bar. */
const cells = (row: string): ReadonlyArray<string> =>
  row
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => plain(cell.trim().replaceAll("\\|", "|")))

const rowText = (heads: ReadonlyArray<string>, row: ReadonlyArray<string>): string => {
  const [first = "", ...rest] = row
  const labelled = rest
    .map((cell, i) => ({ head: heads[i + 1] ?? "", cell }))
    .filter(({ cell }) => cell !== "" && cell !== "-")
    // With two columns the heads say nothing that the cells do not.
    .map(({ head, cell }) => (rest.length === 1 || head === "" ? cell : `${head}: ${cell}`))
  return labelled.length === 0 ? first : `${first}: ${labelled.join("; ")}`
}

/** Markdown of a line as a person would write it without. */
const plain = (markdown: string): string =>
  markdown
    .replaceAll(/!\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .replaceAll(/\*\*([^*]+)\*\*/g, "$1")
    .replaceAll(/(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])/g, "$1")

/** Puts neighbours together while they fit: a paragraph, and the code that it introduces. */
const joined = (blocks: ReadonlyArray<Block>): ReadonlyArray<Block> => {
  const out: Array<Block> = []
  for (const block of blocks) {
    const last = out.at(-1)
    const fits = last !== undefined && last.text.length + block.text.length <= passageCharactersMax
    if (fits && last.kind !== "row" && block.kind !== "row") {
      out[out.length - 1] = { kind: last.kind, text: `${last.text}\n\n${block.text}` }
    } else out.push(block)
  }
  return out
}
