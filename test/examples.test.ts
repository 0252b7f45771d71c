/** The examples run, and print what their comments promise. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import process from "node:process"

const root = resolve(import.meta.dirname, "..")
const run = (example: string, env: Record<string, string> = {}) => {
  const { status, stderr, stdout } = spawnSync(join(root, "node_modules/.bin/bun"), [join("examples", example)], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...env },
    timeout: 60_000
  })
  assert.strictEqual(status, 0, stderr)
  return stdout
}

describe("an example", () => {
  it("03-supervision restarts what failed, what counts on it, and in the end the parent, with the cause", () => {
    const output = run("03-supervision.ts")
    assert.include(output, "the shop opens: shop/s, printer/p, till/1, till/2\n")
    assert.include(output, "a till crashes: till/2\n")
    assert.include(output, "the printer crashes: printer/p, till/1, till/2\n")
    assert.include(output, "a fourth crash: shop/s, printer/p, till/1, till/2\n")
    assert.match(output, /because: its child .*till\/2 failed too often: .*out of paper/)
  })

  it("07-priorities shares the thread by weight, and the urgent one does not wait", () => {
    const output = run("07-priorities.ts")
    assert.include(output, "the urgent one answers while there is work left: true")
    const shares = [...output.matchAll(/^(?:low|normal|high): (\d+) %$/gm)].map(([, percent]) => Number(percent))
    for (const [index, theory] of [14, 29, 57].entries()) assert.approximately(shares[index]!, theory, 3)
  })

  it("08-simulation finds the bug, and replays it", () => {
    const output = run("08-simulation.ts")
    assert.match(output, /Seed \d+ after[^]*It did not hold that nobody buys what is not there/)
    assert.include(output, "replayed twice, the same each time: true")
  })

  it("09-streamed-replies reads while the actor answers others, and ends the stream with the loop", () => {
    const output = run("09-streamed-replies.ts")
    assert.include(
      output,
      "Moby Dick, page 1\nreaders: 1, while the stream is read\nMoby Dick, page 2\nMoby Dick, page 3\n"
    )
    assert.include(output, "made: no more than a buffer ahead: true")
    assert.include(output, "the stream has ended with its reader: true")
  })

  it("10-journal goes on where it was, and reads its past events", () => {
    const dir = mkdtempSync(join(tmpdir(), "journal-"))
    try {
      const account = { ACCOUNT_DIR: dir }
      assert.strictEqual(
        run("10-journal.ts", account),
        '75\n1 {"deposited":100}\n2 {"withdrawn":30}\n3 {"deposited":5}\n'
      )
      assert.include(run("10-journal.ts", account), '150\n4 {"deposited":100}\n')
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })

  it("11-transfer is killed in the middle, and no euro is lost or made", () => {
    const dir = mkdtempSync(join(tmpdir(), "bank-"))
    try {
      const killed = spawnSync(join(root, "node_modules/.bin/bun"), [join("examples", "11-transfer.ts")], {
        cwd: root,
        env: { ...process.env, BANK_DIR: dir, KILL: "1" },
        timeout: 60_000
      })
      assert.strictEqual(killed.signal, "SIGKILL")
      const output = run("11-transfer.ts", { BANK_DIR: dir })
      const [, ada, bob] = /ada has (\d+), bob has (\d+), together 2000/.exec(output)!
      assert.isAtLeast(1_000 - Number(ada), 150)
      assert.strictEqual(Number(bob), 2_000 - Number(ada))
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })
})
