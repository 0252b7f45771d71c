/** The client of a server that speaks `/v1`, and the server itself in a process of its own. */
import { spawn } from "node:child_process"
import process from "node:process"
import { check, quick, record } from "../Measure.ts"
import { median } from "../Statistics.ts"
import { asked } from "./Prompts.ts"

export interface Asked {
  /** Of the suite. */
  readonly name: string
  readonly model: string
  readonly promptOf: (i: number) => string
}

/** Asks all cases in turns: a server just started is slower for its first hundreds of answers, and none of them shall bear it alone. */
export const measureFirstTexts = async (url: string, cases: ReadonlyArray<Asked>): Promise<void> => {
  const times = new Map<string, Array<number>>(cases.map(({ name }) => [name, []]))
  const { measured, warmUp } = asked(quick)
  for (let i = 0; i < warmUp + measured; i++) {
    for (const { model, name, promptOf } of cases) {
      const ms = await firstText(url, model, promptOf(i))
      if (i >= warmUp) times.get(name)!.push(ms)
    }
  }
  for (const [name, all] of times) record({ case: name, wallNs: median(all) * 1_000_000 })
}

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

/** Runs a program of this runtime until `use` is done. */
export const withServer = async (args: ReadonlyArray<string>, use: () => Promise<void>): Promise<void> => {
  const child = spawn(process.execPath, args, { stdio: "ignore" })
  try {
    await use()
  } finally {
    child.kill("SIGTERM")
    await new Promise((done) => child.once("exit", done))
  }
}

const startMsMax = 30_000

/** Asks until there is an answer. */
export const waitFor = async <A>(what: string, ask: () => A | undefined | Promise<A | undefined>): Promise<A> => {
  for (const start = performance.now(); performance.now() - start < startMsMax;) {
    const found = await Promise.resolve(ask()).catch(() => undefined)
    if (found !== undefined) return found
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`${what} did not come within ${startMsMax} ms`)
}
