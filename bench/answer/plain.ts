/** The least that an answer over HTTP can be: the engine behind `node:http` alone, asked as the node is. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { finish } from "../Measure.ts"
import { measureFirstTexts, waitFor, withServer } from "./Client.ts"
import { dateOf } from "./Prompts.ts"

const folder = mkdtempSync(join(tmpdir(), "continuum-bench-"))
const file = join(folder, "url")
await withServer([resolve("bench/answer/PlainServer.ts"), file], async () => {
  const url = await waitFor("The server", async () => readFileSync(file, "utf8") || undefined)
  await measureFirstTexts(url, [
    { name: "persona", model: "dates", promptOf: dateOf },
    { name: "bare", model: "none", promptOf: dateOf }
  ])
})
rmSync(folder, { recursive: true, force: true })
finish()
