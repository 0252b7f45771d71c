/** A real node, asked over HTTP: the first piece of text of a stream. */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import process from "node:process"
import { check, finish, quick, record } from "../Measure.ts"
import { median } from "../Statistics.ts"
import { asked, dateOf } from "./Prompts.ts"

const startMsMax = 30_000

/** Milliseconds until the first text of an answer. */
const firstText = async (url: string, model: string, prompt: string): Promise<number> => {
  const body = JSON.stringify({ model, messages: [{ role: "user", content: prompt }], stream: true, max_tokens: 4 })
  const start = performance.now()
  const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", body })
  check("The status", response.status, 200)
  let first = 0
  let text = ""
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    // The event of the role has an empty text.
    if (first === 0 && /"content":"[^"]/.test(text)) first = performance.now()
  }
  check("The end of the stream", text.trimEnd().endsWith("[DONE]"), true)
  check("Whether there was text", first > 0, true)
  return first - start
}

const folder = mkdtempSync(join(tmpdir(), "continuum-bench-"))
const child = spawn(process.execPath, [resolve("apps/node/index.ts"), "--home", folder, "--port", "0"], {
  stdio: "ignore"
})
try {
  let url = ""
  for (const start = performance.now(); url === "" && performance.now() - start < startMsMax;) {
    await new Promise((done) => setTimeout(done, 50))
    try {
      url = (JSON.parse(readFileSync(join(folder, "node.json"), "utf8")) as { readonly url: string }).url
    } catch {
      // Not there yet.
    }
  }
  check("Whether the node is up", url !== "", true)
  // A node proves itself after its start by compiling a function, which would take its share of the cores.
  while (!(await (await fetch(`${url}/metrics`)).text()).includes("\ncontinuum_modules 1\n")) {
    await new Promise((done) => setTimeout(done, 100))
  }
  const { measured, warmUp } = asked(quick)
  const cases = [
    { name: "persona", model: "helper-ai", promptOf: dateOf, times: [] as Array<number> },
    { name: "bare", model: "continuum/tiny", promptOf: dateOf, times: [] as Array<number> },
    { name: "quoted", model: "teacher-ai", promptOf: () => "Explain RTOS", times: [] as Array<number> }
  ]
  // In turns: a node just started is slower for its first hundreds of answers, and none of the cases shall bear it alone.
  for (let i = 0; i < warmUp + measured; i++) {
    for (const { model, promptOf, times } of cases) {
      const ms = await firstText(url, model, promptOf(i))
      if (i >= warmUp) times.push(ms)
    }
  }
  for (const { name, times } of cases) record({ case: name, wallNs: median(times) * 1_000_000 })
} finally {
  child.kill("SIGTERM")
  await new Promise((done) => child.once("exit", done))
  rmSync(folder, { recursive: true, force: true })
}
finish()
