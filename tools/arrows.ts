/**
 * Enforces the table of packages in docs/ARCHITECTURE.md: who may import whom, and which third-party libraries.
 * Also: no cycle of files, no import of an index.ts from inside, runtime-specific modules only in files whose name
 * says so, and in packages no clock, chance or console outside Effect's services, unless the line says why in a comment
 * that begins with `arrows:`. Prints each breach; exits 1 on any.
 */
import { readFileSync, readdirSync, statSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"

const root = resolve(import.meta.dirname, "..")

interface Room {
  readonly name: string
  readonly folder: string
  readonly mayImport: ReadonlyArray<string>
  readonly thirdParty: ReadonlyArray<string>
}

/** Rows `| name | sentence | may import | third-party |` below the heading "Packages and arrows". */
const readTable = (): ReadonlyArray<Room> => {
  const text = readFileSync(join(root, "docs/ARCHITECTURE.md"), "utf8")
  const section = text.split(/^## /m).find((part) => part.startsWith("Packages and arrows"))
  if (section === undefined) throw new Error('docs/ARCHITECTURE.md has no section "Packages and arrows"')
  const words = (cell: string) =>
    cell
      .split(",")
      .map((word) => word.trim().replaceAll("`", ""))
      .filter((word) => word !== "" && word !== "-")
  const lines = section.split("\n")
  const table = lines.slice(lines.findIndex((line) => line.startsWith("| --- ")) + 1)
  return table
    .slice(
      0,
      table.findIndex((line) => !line.startsWith("| "))
    )
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map(([, name = "", , mayImport = "", thirdParty = ""]) => ({
      name,
      folder: name.startsWith("apps/") ? name : `packages/${name}`,
      mayImport: words(mayImport),
      thirdParty: words(thirdParty)
    }))
}

const sources = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder).flatMap((entry) => {
    const path = join(folder, entry)
    if (entry === "node_modules" || entry === "dist" || entry === "test") return []
    return statSync(path).isDirectory() ? sources(path) : /\.(ts|mts|cts|mjs|cjs|js)$/.test(entry) ? [path] : []
  })

/** Code without comments, so that prose about `Date.now` is no breach. */
const codeOf = (text: string) =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, " "))
    .replaceAll(/(^|[^:"'`\\])\/\/.*$/gm, "$1")

const importPattern = /(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s+)"([^"\n]+)"/gm
/** Imports of types alone leave no trace at run time, so they make no cycle. */
const typeImportPattern =
  /^\s*(?:import|export)\s+(?:type\s[^"]*?|\{\s*(?:type\s+\w+(?:\s+as\s+\w+)?\s*,?\s*)+\})\s*from\s*"([^"\n]+)"/gm

/** Files may touch the host when their name says which part of it. */
const hostNames =
  /(Disk|Lmdb|Process|Worker|InThread|Socket|Node|Bun|Deno|Hyperswarm|Sidecar|Wasmer|OnnxRuntime)[A-Za-z]*(\.entry)?\.(ts|cjs)$|\/sidecar\/[^/]+\.cjs$/

const breaches: Array<string> = []
const breach = (file: string, what: string) => breaches.push(`${relative(root, file)}: ${what}`)

const rooms = readTable()
const packageOf = (specifier: string) =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

for (const room of rooms) {
  const folder = join(root, room.folder)
  const inPackages = room.folder.startsWith("packages/")
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>
  }
  const declared = Object.keys(manifest.dependencies ?? {})
  const allowedPackages = new Set(room.mayImport.map((word) => word.split("/")[0]))
  for (const dependency of declared) {
    const own = dependency.startsWith("@continuum/") ? dependency.slice("@continuum/".length) : undefined
    if (own !== undefined && !allowedPackages.has(own)) breach(join(folder, "package.json"), `may not depend on ${own}`)
    if (own === undefined && !room.thirdParty.includes(dependency)) {
      breach(join(folder, "package.json"), `third-party library ${dependency} is not in the table`)
    }
  }
  for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
    if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      breach(join(folder, "package.json"), `${name} "${version}" is not an exact version`)
  }
  const edges = new Map<string, ReadonlyArray<string>>()
  for (const file of sources(folder)) {
    const text = readFileSync(file, "utf8")
    const code = codeOf(text)
    const local: Array<string> = []
    const typeOnly = new Set([...code.matchAll(typeImportPattern)].map(([, specifier]) => specifier))
    for (const [, specifier = ""] of code.matchAll(importPattern)) {
      if (specifier.startsWith(".")) {
        const target = resolve(dirname(file), specifier)
        if (!typeOnly.has(specifier)) local.push(target)
        if (target.endsWith("/src/index.ts")) breach(file, "imports an index.ts; import the file itself")
      } else if (specifier.startsWith("@continuum/")) {
        const [name = "", ...rest] = specifier.slice("@continuum/".length).split("/")
        const subpath = rest.join("/")
        const allowed = room.mayImport.some((word) => {
          const [allowedName, only] = word.split("/")
          return allowedName === name && (only === undefined || only === subpath)
        })
        if (!allowed) breach(file, `may not import ${specifier}`)
        if (subpath === "") breach(file, `imports the index of ${specifier}; import the file itself`)
        if (!declared.includes(packageOf(specifier))) breach(file, `${packageOf(specifier)} is not in package.json`)
      } else if (/^(node:|bun:|bun$)/.test(specifier)) {
        if (inPackages && !hostNames.test(file))
          breach(file, `imports ${specifier}; only a file whose name says so may`)
      } else if (!declared.includes(packageOf(specifier))) {
        breach(file, `${packageOf(specifier)} is not in package.json`)
      }
    }
    edges.set(file, local)
    if (inPackages && !hostNames.test(file)) {
      const lines = text.split("\n")
      for (const [index, line] of code.split("\n").entries()) {
        const found =
          /\b(Date\.now\(|new Date\(\)|Math\.random\(|performance\.now|console\.|process\.|Bun\.|Deno\.|setTimeout\(|setInterval\()/.exec(
            line
          )
        if (found !== null && !lines[index]!.includes("// arrows: "))
          breach(`${file}:${index + 1}`, `uses ${found[1]}; take it from a service`)
      }
    }
  }
  reportCycles(edges)
}

/** Depth-first search; reports each file cycle once, from its first file. */
function reportCycles(edges: ReadonlyMap<string, ReadonlyArray<string>>): void {
  const done = new Set<string>()
  const visit = (file: string, path: ReadonlyArray<string>): void => {
    const at = path.indexOf(file)
    if (at >= 0) {
      breach(file, `cycle: ${[...path.slice(at), file].map((step) => relative(root, step)).join(" -> ")}`)
      return
    }
    if (done.has(file)) return
    for (const next of edges.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of edges.keys()) visit(file, [])
}

if (breaches.length > 0) {
  console.error(breaches.join("\n"))
  process.exit(1)
}
console.log(`${rooms.length} packages keep to the table`)
