// Runs a TypeScript program of this repository on plain Node 20, which reads no TypeScript: its own types are stripped
// by the bundler, and it imports the packages as an installed user would, from their dist folders.
import { spawnSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [program, ...args] = process.argv.slice(2)
if (program === undefined) {
  process.stderr.write("usage: node tools/node-run.mjs FILE.ts [ARGS]\n")
  process.exit(2)
}
// Beside the program, so that what it imports is found where the program would find it.
const outFolder = join(root, dirname(program), ".node")
mkdirSync(outFolder, { recursive: true })
const bun = join(root, "node_modules/.bin/bun")
const outFile = join(outFolder, basename(program).replace(/\.ts$/, ".mjs"))
const built = spawnSync(
  bun,
  ["build", join(root, program), "--target=node", "--packages=external", "--format=esm", `--outfile=${outFile}`],
  { encoding: "utf8" }
)
if (built.status !== 0) {
  process.stderr.write(built.stderr)
  process.exit(1)
}
process.argv = [process.argv[0], outFile, ...args]
await import(pathToFileURL(outFile).href)
