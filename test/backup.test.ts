/** Backup, compaction and restore of a real node. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { call, type NodeProcess, start, startFailing, temporaryFolder } from "./NodeProcess.ts"

const address = "continuum://local/counter/kept"

const done = <A>(node: NodeProcess, tag: string, payload: unknown) =>
  Effect.promise(async () => {
    const { exit, text } = await call(node, tag, payload)
    if (exit?._tag !== "Success") throw new Error(`${tag}: ${text}`)
    return exit.value as A
  })
const add = (node: NodeProcess, by: number) =>
  done<number>(node, "actors.ask", { address, messageName: "add", payload: by })

describe("a node", () => {
  it.live("is copied while it runs, compacted, and restored from the copy when it is stopped", () =>
    Effect.gen(function* () {
      const home = join(yield* temporaryFolder, "home")
      const node = yield* start(home, ["--offline"])
      assert.strictEqual(yield* add(node, 5), 5)
      const backup = yield* done<{ path: string; bytes: number }>(node, "actors.backup", {})
      assert.isTrue(backup.path.startsWith(join(home, "backups")))
      assert.strictEqual(yield* add(node, 1), 6)
      const compacted = yield* done<{ bytesBefore: number; bytesAfter: number }>(node, "actors.compact", {})
      assert.isAtMost(compacted.bytesAfter, compacted.bytesBefore)
      assert.strictEqual(yield* add(node, 1), 7)
      const metrics = yield* Effect.promise(async () => (await fetch(`${node.url}/metrics`)).text())
      const [, bytes] = /^continuum_state_bytes (\d+)$/m.exec(metrics) ?? []
      assert.isAbove(Number(bytes), 0)

      const refused = yield* startFailing(home, ["--restore", backup.path])
      assert.strictEqual(refused.exitCode, 1)
      assert.include(refused.output, `in use by process ${node.pid}. Stop it`)

      node.child.kill("SIGKILL")
      yield* node.ended
      const wrong = yield* startFailing(home, ["--restore", join(home, "api-key")])
      assert.strictEqual(wrong.exitCode, 1)
      assert.include(wrong.output, "is not sound")
      const restored = yield* startFailing(home, ["--restore", backup.path])
      assert.strictEqual(restored.exitCode, 0, restored.output)
      assert.match(restored.output, /Restored \d+ stored states from .*kept as .*actors\.replaced-/)
      const again = yield* start(home, ["--offline"])
      assert.strictEqual(yield* add(again, 0), 5)
    }).pipe(Effect.scoped)
  )
})
