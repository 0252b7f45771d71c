/**
 * A node of the demo: a process on a home of its own, the commands that a person would type at it, and calls without a
 * person. Everything it starts is killed by `killAll`.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync, readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import * as Show from "./DemoShow.ts"

const root = resolve(import.meta.dirname, "..")

/** How long one command may take, the first compilation on a busy machine included. */
const commandMsMax = 60_000
const startMsMax = 30_000

const all: Array<DemoNode> = []

export const killAll = (): void => {
  for (const node of all) node.child?.kill("SIGKILL")
}

export class DemoNode {
  readonly name: string
  url = ""
  child: ChildProcess | undefined
  private readonly home: string
  private readonly flags: ReadonlyArray<string>

  constructor(folder: string, name: string, flags: ReadonlyArray<string> = []) {
    this.name = name
    this.home = join(folder, name)
    this.flags = flags
    all.push(this)
  }

  /** Starts it and waits until it is ready. */
  async start(): Promise<void> {
    const args = ["--home", this.home, "--port", "0", "--name", this.name, "--log-level", "error", ...this.flags]
    const child = spawn(join(root, "node_modules/.bin/bun"), [join(root, "apps/node/index.ts"), ...args], {
      cwd: root,
      stdio: ["ignore", "ignore", "inherit"]
    })
    this.child = child
    const deadline = Date.now() + startMsMax
    while (Date.now() < deadline) {
      if (child.exitCode !== null) throw new Error(`The node ended with exit code ${child.exitCode}`)
      try {
        const file = JSON.parse(readFileSync(join(this.home, "node.json"), "utf8")) as { pid: number; url: string }
        if (file.pid === child.pid && (await fetch(`${file.url}/healthz`)).ok) {
          this.url = file.url
          return
        }
      } catch {
        // Not ready yet.
      }
      await sleep(25)
    }
    throw new Error(`The node was not ready within ${startMsMax / 1000} s`)
  }

  /** Kills it as a power cut would. */
  async kill(): Promise<void> {
    this.child!.kill("SIGKILL")
    await this.ended()
    Show.note(`process ${this.child!.pid} (${this.name}) is dead`)
  }

  async ended(): Promise<number | null> {
    const child = this.child!
    if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once("exit", done))
    return child.exitCode
  }

  /** Process id of its sidecar, which carries Hyperswarm. */
  sidecar(): number {
    for (const name of readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
      try {
        const parent = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1])
        if (parent === this.child!.pid && readFileSync(`/proc/${name}/cmdline`, "utf8").includes("sidecar/entry")) {
          return Number(name)
        }
      } catch {
        // It has just ended.
      }
    }
    throw new Error(`${this.name} has no sidecar`)
  }

  /** Runs a CLI command as a person would, shows it, and returns what it printed with `--json`. */
  async jtag(...args: ReadonlyArray<string>): Promise<any> {
    Show.command(this.name, args)
    const answer = await this.jtagQuietly(...args)
    Show.answer(answer)
    return answer
  }

  async jtagQuietly(...args: ReadonlyArray<string>): Promise<any> {
    const child = spawn(join(root, "jtag"), [...args, "--json", "--home", this.home], {
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
    if (code !== 0) throw refusal(Buffer.concat(errors).toString(), code)
    return JSON.parse(Buffer.concat(chunks).toString())
  }

  /** A command that is expected to fail; what it says. */
  async jtagRefused(...args: ReadonlyArray<string>): Promise<string | undefined> {
    Show.command(this.name, args)
    return this.jtagQuietly(...args).then(
      () => undefined,
      (error: Error) => error.message
    )
  }

  /** A call of the node's contract; its answer, or throws the error. */
  async call(tag: string, payload: unknown): Promise<any> {
    return (await this.stream(tag, payload)).value
  }

  /** A call whose answer streams: what came, and its end. */
  async stream(tag: string, payload: unknown): Promise<{ readonly values: ReadonlyArray<any>; readonly value: any }> {
    const key = readFileSync(join(this.home, "api-key"), "utf8").trim()
    const response = await fetch(`${this.url}/rpc`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/ndjson" },
      body: `${JSON.stringify({ _tag: "Request", id: "1", tag, payload, headers: [] })}\n`
    })
    const lines = (await response.text()).trim().split("\n")
    const messages = lines.map(
      (line) => JSON.parse(line) as { values?: Array<any>; exit?: { _tag: string; value: any } }
    )
    const exit = messages.at(-1)!.exit
    if (exit?._tag !== "Success") throw new Error(`${tag} failed: ${JSON.stringify(exit)}`)
    return { values: messages.flatMap(({ values = [] }) => values), value: exit.value }
  }

  /** Waits until it is connected to so many others. */
  async connectedTo(count: number): Promise<void> {
    const deadline = Date.now() + startMsMax
    for (;;) {
      const peers = (await this.call("peers.list", null)) as ReadonlyArray<{ connected: boolean }>
      if (peers.filter(({ connected }) => connected).length === count) return
      if (Date.now() > deadline) throw new Error(`${this.name} did not come to be connected to ${count} within 30 s`)
      await sleep(50)
    }
  }
}

/** What a command said on stderr when it did not exit with 0. */
const refusal = (text: string, code: number | null): Error => {
  try {
    return new Error((JSON.parse(text) as { error: { message: string } }).error.message)
  } catch {
    return new Error(`exit code ${code}: ${text.trim()}`)
  }
}

export const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms))
