/** A real node, asked over HTTP: the first piece of text of a stream. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { finish } from "../Measure.ts"
import { measureFirstTexts, waitFor, withServer } from "./Client.ts"
import { dateOf } from "./Prompts.ts"

const folder = mkdtempSync(join(tmpdir(), "continuum-bench-"))
await withServer([resolve("apps/node/index.ts"), "--home", folder, "--port", "0"], async () => {
  const url = await waitFor("The node", async () => {
    return (JSON.parse(readFileSync(join(folder, "node.json"), "utf8")) as { readonly url: string }).url
  })
  // A node proves itself after its start by compiling a function, which would take its share of the cores.
  await waitFor("The node's proof", async () => {
    const metrics = await (await fetch(`${url}/metrics`)).text()
    return metrics.includes("\ncontinuum_modules 1\n") ? true : undefined
  })
  await measureFirstTexts(url, [
    { name: "persona", model: "helper-ai", promptOf: dateOf },
    { name: "bare", model: "continuum/tiny", promptOf: dateOf },
    { name: "quoted", model: "teacher-ai", promptOf: () => "Explain RTOS" }
  ])
})
rmSync(folder, { recursive: true, force: true })
finish()
