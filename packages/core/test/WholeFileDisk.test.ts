import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, FileSystem, PlatformError } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as WholeFile from "../src/WholeFileDisk.ts"

/** A folder for one test, removed with its scope. */
const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "continuum-whole-"))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
)

/** The real file system, which notes each step that changes something and fails at the one of this number. */
const failingAt = (failing: number) =>
  Effect.map(FileSystem.FileSystem, (real) => {
    const steps: Array<string> = []
    const step = <A, R>(name: string, of: string, effect: Effect.Effect<A, PlatformError.PlatformError, R>) =>
      Effect.suspend((): Effect.Effect<A, PlatformError.PlatformError, R> => {
        steps.push(`${name} ${path.basename(of)}`)
        return steps.length - 1 === failing
          ? Effect.fail(PlatformError.systemError({ _tag: "WriteZero", module: "FileSystem", method: name }))
          : effect
      })
    const fake: FileSystem.FileSystem = {
      ...real,
      open: (of, options) =>
        Effect.map(step("open", of, Effect.orDie(real.open(of, options))), (file): FileSystem.File => ({
          ...file,
          writeAll: (bytes) => step("write", of, file.writeAll(bytes)),
          sync: step("sync", of, file.sync)
        })),
      rename: (from, to) => step("rename", to, real.rename(from, to))
    }
    return { fake, steps }
  })

describe("WholeFileDisk", () => {
  it.effect("flushes the file before it gets its name, and the folder after", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const { fake, steps } = yield* failingAt(-1)
      const target = path.join(at, "identity")
      yield* WholeFile.write(target, "secret").pipe(Effect.provideService(FileSystem.FileSystem, fake))
      const name = path.basename(at)
      assert.deepStrictEqual(steps, [
        "open identity.new",
        "write identity.new",
        "sync identity.new",
        "rename identity",
        `open ${name}`,
        `sync ${name}`
      ])
      assert.strictEqual(fs.readFileSync(target, "utf8"), "secret")
      assert.strictEqual(fs.statSync(target).mode & 0o777, 0o600)
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))
  )

  it.effect("leaves the old file as it was, and nothing beside it, whichever step fails", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const target = path.join(at, "identity")
      for (const failing of [0, 1, 2, 3]) {
        fs.writeFileSync(target, "old")
        const { fake } = yield* failingAt(failing)
        const exit = yield* Effect.exit(
          WholeFile.write(target, "new").pipe(Effect.provideService(FileSystem.FileSystem, fake))
        )
        assert.isTrue(Exit.isFailure(exit), `step ${failing}`)
        assert.strictEqual(fs.readFileSync(target, "utf8"), "old")
        assert.deepStrictEqual(fs.readdirSync(at), ["identity"])
      }
      // A folder that cannot be flushed (Windows) is no reason to fail: the file is there.
      const { fake } = yield* failingAt(4)
      yield* WholeFile.write(target, "new").pipe(Effect.provideService(FileSystem.FileSystem, fake))
      assert.strictEqual(fs.readFileSync(target, "utf8"), "new")
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))
  )

  it.effect("writes over what a killed process has left, which others could read", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const target = path.join(at, "identity")
      fs.writeFileSync(`${target}.new`, "half", { mode: 0o644 })
      yield* WholeFile.write(target, "whole")
      assert.strictEqual(fs.readFileSync(target, "utf8"), "whole")
      assert.strictEqual(fs.statSync(target).mode & 0o777, 0o600)
      assert.deepStrictEqual(fs.readdirSync(at), ["identity"])
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))
  )
})
