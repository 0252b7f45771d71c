/** The examples run on Bun, Deno and Node, and print what their comments promise. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import process from "node:process"
import { nodeExecutable } from "./NodeExecutable.ts"

const root = resolve(import.meta.dirname, "..")
const bin = (name: string) => join(root, "node_modules/.bin", name)
const runtimes = {
  Bun: [bin("bun")],
  Deno: [bin("deno"), "run", "-A", "--no-check"],
  Node: [nodeExecutable, "tools/node-run.mjs"]
} as const

/** Deno colours what it prints whenever FORCE_COLOR is set, also to 0. */
const { FORCE_COLOR: _, ...environment } = process.env

/** What it prints in a new process, which ends well, or kills itself. */
type Run = (env?: Record<string, string>, end?: "well" | "killed") => string

/** What each example must print; `run` runs it once, in a new process. */
const examples: Record<string, (run: Run) => void> = {
  "01-actor": (run) => assert.strictEqual(run(), "1\n42\nthe count is 42\n"),

  "02-durable-counter": (run) =>
    withFolder((folder) => {
      const env = { COUNTER_DIR: folder }
      assert.deepStrictEqual([run(env), run(env)], ["1\n", "2\n"])
    }),

  "03-supervision": (run) => {
    const output = run()
    assert.include(output, "the shop opens: shop/s, printer/p, till/1, till/2\n")
    assert.include(output, "a till crashes: till/2\n")
    assert.include(output, "the printer crashes: printer/p, till/1, till/2\n")
    assert.include(output, "a fourth crash: shop/s, printer/p, till/1, till/2\n")
    assert.match(output, /because: its child .*till\/2 failed too often: .*out of paper/)
  },

  "04-timers": (run) =>
    assert.strictEqual(
      run(),
      "in use for longer than it may be idle: true\nexpired after 3 uses\n" +
        "saved again and again: true\nnothing is saved any more: true\n"
    ),

  "05-stash": (run) =>
    assert.strictEqual(
      run(),
      "before the guard has come: []\nAda is in; Bob is in; Eve is in\nin the order of their knocks: [Ada, Bob, Eve]\n"
    ),

  "06-two-machines": (run) =>
    assert.strictEqual(
      run(),
      "two processes: true\nbee counts: 40 42\nbee streams: 1 2 3 4 5\n" +
        "a wrong payload: PayloadMalformed\nbee is gone: true\n"
    ),

  "07-priorities": (run) => {
    const output = run()
    assert.include(output, "the urgent one answers while there is work left: true")
    const shares = [...output.matchAll(/^(?:low|normal|high): (\d+) %$/gm)].map(([, percent]) => Number(percent))
    for (const [index, theory] of [14, 29, 57].entries()) assert.approximately(shares[index]!, theory, 3)
  },

  "08-simulation": (run) => {
    const output = run()
    assert.match(output, /Seed \d+ after[^]*It did not hold that nobody buys what is not there/)
    assert.include(output, "replayed twice, the same each time: true")
  },

  "09-streamed-replies": (run) => {
    const output = run()
    assert.include(
      output,
      "Moby Dick, page 1\nreaders: 1, while the stream is read\nMoby Dick, page 2\nMoby Dick, page 3\n"
    )
    assert.include(output, "made: no more than a buffer ahead: true")
    assert.include(output, "the stream has ended with its reader: true")
  },

  "10-journal": (run) =>
    withFolder((folder) => {
      const env = { ACCOUNT_DIR: folder }
      assert.strictEqual(run(env), '75\n1 {"deposited":100}\n2 {"withdrawn":30}\n3 {"deposited":5}\n')
      assert.include(run(env), '150\n4 {"deposited":100}\n')
    }),

  "11-transfer": (run) =>
    withFolder((folder) => {
      assert.strictEqual(run({ BANK_DIR: folder, KILL: "1" }, "killed"), "")
      const [, ada, bob] = /ada has (\d+), bob has (\d+), together 2000/.exec(run({ BANK_DIR: folder }))!
      assert.isAtLeast(1_000 - Number(ada), 150)
      assert.strictEqual(Number(bob), 2_000 - Number(ada))
    })
}

const withFolder = (use: (folder: string) => void) => {
  const folder = mkdtempSync(join(tmpdir(), "example-"))
  try {
    use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe("an example prints what it promises:", () => {
  it("each of them is here, and their numbers have no hole", () => {
    const files = readdirSync(join(root, "examples"))
      .filter((file) => file.endsWith(".ts"))
      .sort()
    assert.deepStrictEqual(
      files.map((file) => file.replace(".ts", "")),
      Object.keys(examples)
    )
    assert.deepStrictEqual(
      files.map((file) => Number(file.slice(0, 2))),
      files.map((_, index) => index + 1)
    )
  })

  for (const [name, check] of Object.entries(examples)) {
    for (const [runtime, [command, ...args]] of Object.entries(runtimes)) {
      it(`${name} on ${runtime}`, () =>
        check((env = {}, end = "well") => {
          const { status, stderr, stdout } = spawnSync(command, [...args, join("examples", `${name}.ts`)], {
            cwd: root,
            encoding: "utf8",
            env: { ...environment, NO_COLOR: "1", ...env },
            timeout: 90_000
          })
          // Who starts Deno turns the signal into a status.
          if (end === "killed") assert.notStrictEqual(status, 0)
          else assert.strictEqual(status, 0, stderr)
          return stdout
        }))
    }
  }
})
