// Runs a program of this repository on Bun, after installing what is missing.
// Plain JavaScript for Node 20 without dependencies: it must work in a fresh clone, before `npm install`.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bun = join(root, "node_modules", ".bin", process.platform === "win32" ? "bun.cmd" : "bun")
const marker = join(root, "node_modules", ".continuum-installed")

/** Changes when a dependency of any workspace changes. */
const wanted = () => {
  const manifests = ["package.json", ".npmrc"]
  for (const folder of ["packages", "apps"]) {
    for (const name of readdirSync(join(root, folder)).sort()) manifests.push(join(folder, name, "package.json"))
  }
  const hash = createHash("sha256")
  for (const path of manifests) if (existsSync(join(root, path))) hash.update(readFileSync(join(root, path)))
  return hash.digest("hex")
}

// Bun itself may have been taken away since, by an npm that was told to leave out what is for development.
const installed = () => existsSync(bun) && existsSync(marker) && readFileSync(marker, "utf8") === wanted()

if (!installed()) {
  process.stderr.write("Installing dependencies (once, about a minute) ...\n")
  // Bun is a development dependency: where NODE_ENV is "production", npm would leave it out, or take it away again.
  const npm = spawnSync("npm", ["install", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    // npm 10 runs the script of onnxruntime-node, which would load libraries for graphics cards; npm 11 has allowScripts.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" },
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32"
  })
  if (npm.status !== 0) {
    process.stderr.write("npm install failed (see above). Is the npm registry reachable and the disk not full?\n")
    process.exit(1)
  }
  writeFileSync(marker, wanted())
}

const [program, ...args] = process.argv.slice(2)
if (program === undefined) {
  process.stderr.write("usage: node tools/run.mjs PROGRAM.ts [ARGS]\n")
  process.exit(2)
}
const child = spawn(bun, [join(root, program), ...args], { stdio: "inherit", cwd: root })
// The terminal signals the whole group; a signal to this process alone is passed on, and the child decides when to end.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal))
child.on("error", (error) => {
  process.stderr.write(`${bun} did not start: ${error.message}. Remove node_modules and try again.\n`)
  process.exit(1)
})
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})
