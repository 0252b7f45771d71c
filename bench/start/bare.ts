/** The floor: a server of `node:http` alone, on the same Bun. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { finish, record } from "../Measure.ts"
import { bun, timeToHealthy } from "./Launch.ts"

const folder = mkdtempSync(join(tmpdir(), "continuum-bench-"))
const infoFile = join(folder, "server.json")
const launch = { command: bun, args: [resolve("bench/start/bareServer.ts"), infoFile], infoFile }
try {
  record({ case: "warm", wallNs: await timeToHealthy(launch) })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
finish()
