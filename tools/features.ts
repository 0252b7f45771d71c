/**
 * Checks docs/FEATURES.md: each row names how to see the feature and a test, demo step or benchmark that exists.
 * The last cell holds references such as `path/to/File.test.ts` or `path/to/File.test.ts "title of the test"`.
 */
import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "..")
const rows = readFileSync(join(root, "docs/FEATURES.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (---|feature)/i.test(line))

const problems: Array<string> = []
for (const row of rows) {
  const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim())
  const proof = cells.at(-2) ?? ""
  const references = [...proof.matchAll(/`([^`"]+?)(?: "([^"]+)")?`/g)]
  if (references.length === 0) problems.push(`no proof is named: ${row}`)
  for (const [, path = "", title] of references) {
    const file = join(root, path)
    if (!existsSync(file)) problems.push(`${path} does not exist: ${row}`)
    else if (title !== undefined && !readFileSync(file, "utf8").includes(title)) {
      problems.push(`${path} has no "${title}": ${row}`)
    }
  }
}
if (rows.length === 0) problems.push("docs/FEATURES.md has no rows")
if (problems.length > 0) {
  console.error(problems.join("\n"))
  process.exit(1)
}
console.log(`${rows.length} features name a proof that exists`)
