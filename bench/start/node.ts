/** A node on a home that does not exist yet, then on the home that it left. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { finish, record } from "../Measure.ts"
import { bun, timeToHealthy } from "./Launch.ts"

const folder = mkdtempSync(join(tmpdir(), "continuum-bench-"))
const home = join(folder, "home")
const launch = {
  command: bun,
  args: [resolve("apps/node/index.ts"), "--home", home, "--port", "0"],
  infoFile: join(home, "node.json")
}
try {
  record({ case: "cold", wallNs: await timeToHealthy(launch) })
  record({ case: "warm", wallNs: await timeToHealthy(launch) })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
finish()
