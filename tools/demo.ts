/**
 * `npm run demo`: starts a node of its own in a temporary folder and shows the main flows, saying what it does at each
 * step. Exits 0 when every step did what it says, 1 at the first that did not. Leaves nothing behind.
 */
import { spawn, type ChildProcess } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "..")
const home = join(mkdtempSync(join(tmpdir(), "continuum-demo-")), "home")
const colours = process.stdout.isTTY && process.env.NO_COLOR === undefined
const paint = (code: number, text: string) => (colours ? `\u001B[${code}m${text}\u001B[0m` : text)

/** How long one command may take, the first compilation on a busy machine included. */
const commandMsMax = 60_000
const startMsMax = 30_000
const acknowledgedAdds = 100

let node: ChildProcess | undefined

const step = (text: string) => console.log(`\n${paint(1, text)}`)

const expect = (holds: boolean, what: string) => {
  if (!holds) throw new Error(`That was not ${what}`)
  console.log(`  ${paint(32, "✓")} ${what}`)
}

/** Starts the node and waits until it says that it is ready. */
const startNode = async (): Promise<{ readonly pid: number; readonly url: string }> => {
  const child = spawn(
    join(root, "node_modules/.bin/bun"),
    [join(root, "apps/node/index.ts"), "--home", home, "--port", "0", "--name", "demo", "--log-level", "error"],
    { cwd: root, stdio: ["ignore", "ignore", "inherit"] }
  )
  node = child
  const deadline = Date.now() + startMsMax
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`The node ended with exit code ${child.exitCode}`)
    try {
      const file = JSON.parse(readFileSync(join(home, "node.json"), "utf8")) as { pid: number; url: string }
      if (file.pid === child.pid && (await fetch(`${file.url}/healthz`)).ok) return file
    } catch {
      // Not ready yet.
    }
    await sleep(25)
  }
  throw new Error(`The node was not ready within ${startMsMax / 1000} s`)
}

/** Runs a CLI command as a person would, shows it, and returns what it printed with `--json`. */
const jtag = async (args: ReadonlyArray<string>, show = true): Promise<any> => {
  if (show)
    console.log(
      paint(36, `  $ ./jtag ${args.map((arg) => (/^[\w/.:=-]+$/.test(arg) ? arg : `'${arg}'`)).join(" ")} --json`)
    )
  const child = spawn(join(root, "jtag"), [...args, "--json", "--home", home], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"]
  })
  const timer = setTimeout(() => child.kill("SIGKILL"), commandMsMax)
  const chunks: Array<Buffer> = []
  const errors: Array<Buffer> = []
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk))
  const code = await new Promise<number | null>((done) => child.on("close", done))
  clearTimeout(timer)
  const output = Buffer.concat(chunks).toString()
  if (code !== 0) throw refusal(Buffer.concat(errors).toString(), code)
  const answer: unknown = JSON.parse(output)
  if (show) console.log(paint(90, `  ${JSON.stringify(answer).slice(0, 200)}`))
  return answer
}

/** What a command said on stderr when it did not exit with 0. */
const refusal = (text: string, code: number | null): Error => {
  try {
    return new Error((JSON.parse(text) as { error: { message: string } }).error.message)
  } catch {
    return new Error(`exit code ${code}: ${text.trim()}`)
  }
}

const ended = (child: ChildProcess) =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise<void>((done) => child.once("exit", () => done()))

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms))

const main = async () => {
  step("1. Start a node: `bun apps/node`")
  const first = await startNode()
  expect((await fetch(`${first.url}/healthz`)).status === 200, `ready at ${first.url}`)

  step("2. Type a function; the node compiles it to WebAssembly and runs it as a supervised actor with fuel")
  const run = ["jit/run", "--lang", "js", "--source", "(input) => input * 2", "--input", "21"]
  const compiled = await jtag(run)
  expect(compiled.output === 42 && compiled.cache === "compiled", "42, freshly compiled")
  expect(compiled.report.tier === "wasm" && compiled.fuel > 0, `compiled code that used ${compiled.fuel} units of fuel`)

  step("3. Again: it comes from the cache, under the same content id")
  const again = await jtag(run)
  expect(again.output === 42 && again.cache === "hit", "a cache hit")
  expect(again.contentId === compiled.contentId, `content id ${again.contentId.slice(0, 16)}…`)

  step("4. A function that only JavaScript can express runs on QuickJS, and the report says why")
  const regex = await jtag(["jit/run", "--lang", "js", "--source", 's => s.replace(/a/g, "o")', "--input", '"banana"'])
  expect(regex.output === "bonono" && regex.report.tier === "quickjs", `"${regex.output}" (${regex.report.reason})`)

  step("5. An endless loop is stopped, and the node answers meanwhile")
  const loop = jtag(["jit/run", "--lang", "js", "--source", "(n) => { while (true) n++ }", "--input", "1"]).then(
    () => undefined,
    (error: Error) => error.message
  )
  await sleep(300)
  const asked = performance.now()
  await fetch(`${first.url}/healthz`)
  const answeredMs = performance.now() - asked
  expect(answeredMs < 250, `/healthz after ${answeredMs.toFixed(0)} ms while the loop runs`)
  const refused = await loop
  expect(refused !== undefined, `a refusal: ${refused}`)

  step(`6. A durable counter: ${acknowledgedAdds} acknowledged additions, then kill -9`)
  const counter = "continuum://local/counter/demo"
  await jtag(["actors/ask", counter, "add", "1"])
  const key = readFileSync(join(home, "api-key"), "utf8").trim()
  const acknowledged = await addMany(first.url, key, counter, acknowledgedAdds - 1)
  expect(acknowledged === acknowledgedAdds, `an answer of ${acknowledgedAdds}: all additions acknowledged`)
  node!.kill("SIGKILL")
  await ended(node!)
  console.log(`  process ${first.pid} is dead`)
  const second = await startNode()
  console.log(`  process ${second.pid} runs on the same folder`)
  const after = await jtag(["actors/ask", counter, "get"])
  expect(after.reply === acknowledgedAdds, `${after.reply}: no acknowledged addition was lost`)

  step("7. The module and its use count are still there; the function answers from the cache at once")
  const survived = await jtag(run)
  expect(survived.output === 42 && survived.cache === "hit", "42 from the cache")
  const modules = (await jtag(["modules/list"])) as ReadonlyArray<{ contentId: string; uses: number }>
  expect(modules.find((one) => one.contentId === compiled.contentId)!.uses >= 3, "a use count that survived kill -9")

  step("8. Ask a persona: it quotes the project's own pages, without network")
  const rtos = await jtag(["ai/generate", "--prompt", "Explain RTOS", "--persona", "Teacher AI"])
  expect(rtos.text.startsWith("An RTOS"), `an answer from ${rtos.trace.bids[0].reason}`)

  step("9. One conversation, three compositions of the tiny model: a layer changes what the persona can do")
  const ask = (layers: string) =>
    jtag(["ai/generate", "--prompt", "reverse tiger", "--conversation", "demo", "--layers", layers])
  const without = await ask("")
  expect(without.trace.layers.length === 0, `"${without.text}" by the bare model`)
  const reversed = await ask("reversing")
  expect(reversed.text === "regit", `"regit" with the layer reversing, first text after ${reversed.trace.ttftMs} ms`)
  const sorted = await ask("sorting")
  expect(sorted.text !== reversed.text, `"${sorted.text}" with sorting, first text after ${sorted.trace.ttftMs} ms`)
  const said = await jtag(["actors/ask", "continuum://local/persona/Helper%20AI", "recall", '{"conversation":"demo"}'])
  expect(said.reply.length === 6, "all three questions and answers in the persona's memory")

  step("10. Stop it cleanly")
  await jtag(["down"])
  await ended(node!)
  expect(node!.exitCode === 0, "exit code 0")
}

/** Additions over one RPC connection, one after the other; the last answer. */
const addMany = async (url: string, key: string, address: string, times: number): Promise<number> => {
  let last = 0
  for (let i = 0; i < times; i++) {
    const body = JSON.stringify({
      _tag: "Request",
      id: String(i),
      tag: "actors.ask",
      payload: { address, messageName: "add", payload: 1 },
      headers: []
    })
    const response = await fetch(`${url}/rpc`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/ndjson" },
      body: `${body}\n`
    })
    const line = JSON.parse((await response.text()).trim()) as { exit: { _tag: string; value: number } }
    if (line.exit._tag !== "Success") throw new Error(`An addition was not acknowledged: ${JSON.stringify(line)}`)
    last = line.exit.value
  }
  return last
}

const cleanUp = () => {
  node?.kill("SIGKILL")
  rmSync(resolve(home, ".."), { recursive: true, force: true })
}
process.on("SIGINT", () => {
  cleanUp()
  process.exit(130)
})

try {
  await main()
  console.log(`\n${paint(32, "Everything did what it says.")}`)
} catch (error) {
  console.error(`\n${paint(31, `The demo failed: ${error instanceof Error ? error.message : String(error)}`)}`)
  process.exitCode = 1
} finally {
  cleanUp()
}
