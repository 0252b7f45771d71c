/**
 * Installs the repository's dependencies into an empty folder, with an empty HOME, and takes stock of what came.
 *
 * npm takes its cache and its registry from wherever the environment says; without such settings the cache is inside
 * HOME and so empty, and everything is downloaded.
 */
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import process from "node:process"
import { check, finish, quick, record } from "../Measure.ts"
import type { Inventory } from "./Inventory.ts"

const root = resolve(".")

/** Copies what npm looks at, and nothing else. */
const copyManifests = (folder: string): void => {
  const workspaces = ["packages", "apps"].flatMap((parent) => readdirSync(parent).map((name) => join(parent, name)))
  for (const path of ["package.json", ".npmrc", ...workspaces.map((workspace) => join(workspace, "package.json"))]) {
    if (!existsSync(path)) continue
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    cpSync(path, join(folder, path))
  }
}

interface File {
  /** Relative to the folder that was walked. */
  readonly path: string
  /** Room that it takes on the disk. */
  readonly bytes: number
}

/** What POSIX counts blocks of a file in. */
const blockBytes = 512

/** All files below a folder. One that has several names (hard links) counts once, links to elsewhere do not count. */
const filesBelow = (folder: string): ReadonlyArray<File> => {
  const seen = new Set<number>()
  const files: Array<File> = []
  const walk = (relative: string): void => {
    for (const entry of readdirSync(join(folder, relative), { withFileTypes: true })) {
      const path = join(relative, entry.name)
      if (entry.isDirectory()) walk(path)
      if (!entry.isFile()) continue
      const { blocks, ino, nlink } = lstatSync(join(folder, path))
      if (nlink > 1 && seen.has(ino)) continue
      seen.add(ino)
      files.push({ path, bytes: blocks * blockBytes })
    }
  }
  walk("")
  return files
}

/** An entry of npm's own record of what it installed. */
interface Installed {
  readonly link?: boolean
  readonly dependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
}

/** Folders of the packages that programs of this repository need to run: those of its workspaces, Bun and Deno. */
const neededFolders = (packages: Readonly<Record<string, Installed>>): ReadonlySet<string> => {
  const needed = new Set<string>()
  const resolveFrom = (from: string, name: string): string | undefined => {
    for (
      let folder = from;
      ;
      folder = folder.includes("/node_modules/") ? folder.replace(/\/node_modules\/(?!.*\/node_modules\/).*$/, "") : ""
    ) {
      const path = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`
      if (packages[path] !== undefined) return path
      if (folder === "") return undefined
    }
  }
  const visit = (folder: string): void => {
    if (needed.has(folder)) return
    needed.add(folder)
    const { dependencies, optionalDependencies, peerDependencies } = packages[folder] ?? {}
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const found = resolveFrom(folder, name)
      if (found !== undefined && packages[found]?.link !== true) visit(found)
    }
  }
  for (const folder of Object.keys(packages)) if (/^(packages|apps)\//.test(folder)) visit(folder)
  visit("node_modules/bun")
  visit("node_modules/deno")
  return needed
}

/** The folder of the package that a file of node_modules belongs to. */
const packageOf = (path: string): string => {
  const parts = path.split("/")
  const last = parts.lastIndexOf("node_modules")
  return parts.slice(0, last + (parts[last + 1]?.startsWith("@") === true ? 3 : 2)).join("/")
}

const stock = (folder: string): Inventory => {
  const record = JSON.parse(readFileSync(join(folder, "node_modules/.package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, Installed>>
  }
  const needed = neededFolders(record.packages)
  const bytesOf = new Map<string, number>()
  const kinds = { sourceMaps: 0, sources: 0 }
  for (const { bytes, path } of filesBelow(join(folder, "node_modules"))) {
    const owner = packageOf(join("node_modules", path))
    bytesOf.set(owner, (bytesOf.get(owner) ?? 0) + bytes)
    if (path.endsWith(".map")) kinds.sourceMaps += bytes
    else if (/\/src\/.*\.ts$/.test(path)) kinds.sources += bytes
  }
  const packages = [...bytesOf]
    .map(([path, bytes]) => ({ name: path.replace(/^node_modules\//, ""), bytes, needed: needed.has(path) }))
    .sort((a, b) => b.bytes - a.bytes)
  return { packages, sourceMapBytes: kinds.sourceMaps, sourceBytes: kinds.sources }
}

const folder = mkdtempSync(join(tmpdir(), "continuum-bench-"))
try {
  if (quick) {
    // What is installed already, so that a smoke run downloads nothing.
    record({ case: "install", wallNs: 0 })
    finish(stock(root))
  }
  const repository = join(folder, "repository")
  const home = join(folder, "home")
  mkdirSync(home)
  mkdirSync(repository)
  copyManifests(repository)
  const start = performance.now()
  const { status, stderr, stdout } = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: repository,
    // In production, which the benchmarks run in, npm leaves development packages out.
    env: { ...process.env, HOME: home, NODE_ENV: "development" },
    encoding: "utf8"
  })
  const wallNs = (performance.now() - start) * 1_000_000
  if (status !== 0) throw new Error(`npm install ended with ${status}\n${stdout}${stderr}`)
  check("Bun after the install", existsSync(join(repository, "node_modules/.bin/bun")), true)
  record({ case: "install", wallNs })
  const inventory = stock(repository)
  rmSync(folder, { recursive: true, force: true })
  finish(inventory)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
