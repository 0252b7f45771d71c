import * as ProcessLock from "@continuum/core/ProcessLockDisk"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const folder = mkdtempSync(join(tmpdir(), "lock-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const sleeper = Effect.acquireRelease(
  Effect.sync(() => spawn("sleep", ["30"], { stdio: "ignore" })),
  (child) => Effect.sync(() => child.kill("SIGKILL"))
)

describe("ProcessLock", () => {
  it.effect("is held while its scope lives and free afterwards", () =>
    Effect.gen(function* () {
      const path = join(folder, "one")
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* ProcessLock.acquire(path)
          const error = yield* Effect.flip(Effect.scoped(ProcessLock.acquire(path)))
          assert.strictEqual(error._tag, "LockHeld")
          assert.strictEqual(error._tag === "LockHeld" && error.pid, process.pid)
        })
      )
      assert.isFalse(existsSync(path))
      yield* Effect.scoped(ProcessLock.acquire(path))
    })
  )

  it.effect("names another living process and respects it", () =>
    Effect.gen(function* () {
      const path = join(folder, "two")
      const child = yield* sleeper
      writeFileSync(path, JSON.stringify({ pid: child.pid, started: "" }))
      const error = yield* Effect.flip(Effect.scoped(ProcessLock.acquire(path)))
      assert.strictEqual(error._tag === "LockHeld" && error.pid, child.pid)
    })
  )

  it.effect("takes over from a dead process, a recycled process id and a torn file", () =>
    Effect.gen(function* () {
      const path = join(folder, "three")
      const child = yield* sleeper
      const stale = [
        JSON.stringify({ pid: 4_194_303, started: "1" }),
        JSON.stringify({ pid: child.pid, started: "before the last boot" }),
        '{"pid": 12',
        ""
      ]
      for (const text of stale) {
        writeFileSync(path, text)
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* ProcessLock.acquire(path)
            assert.strictEqual((JSON.parse(readFileSync(path, "utf8")) as { pid: number }).pid, process.pid)
          })
        )
      }
    })
  )

  it.effect("goes to exactly one of many who find the same stale lock", () =>
    Effect.gen(function* () {
      const path = join(folder, "four")
      writeFileSync(path, "torn")
      const exits = yield* Effect.scoped(
        Effect.all(
          Array.from({ length: 20 }, () => Effect.exit(ProcessLock.acquire(path))),
          { concurrency: "unbounded" }
        )
      )
      assert.strictEqual(exits.filter((exit) => exit._tag === "Success").length, 1)
    })
  )

  it.effect("says why a lock cannot be written", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(ProcessLock.acquire(join(folder, "no-such-folder", "lock"))))
      assert.strictEqual(error._tag, "LockNotWritable")
      assert.include(error.message, "no-such-folder")
      assert.strictEqual(error._tag === "LockNotWritable" ? error.code : "", "ENOENT")
    })
  )
})
