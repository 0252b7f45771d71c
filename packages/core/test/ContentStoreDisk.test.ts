import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, FileSystem, Layer, PlatformError } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as ContentId from "../src/ContentId.ts"
import { ContentStore } from "../src/ContentStore.ts"
import * as ContentStoreDisk from "../src/ContentStoreDisk.ts"
import { contentBytesMax, quarantinedFilesMax } from "../src/Limits.ts"
import { laws } from "../src/testing/ContentStoreLaws.ts"

/** A directory for one test, removed with its scope. */
const directory = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "continuum-content-"))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
)
const open = (at: string) => ContentStoreDisk.layer(at).pipe(Layer.provide(NodeFileSystem.layer))
const bytesOf = (text: string) => new TextEncoder().encode(text)
const fileOf = (at: string, id: string) => path.join(at, id.slice(0, 2), id.slice(2, 4), id)

/** Every file below a directory, by its path in it. */
const filesIn = (at: string): ReadonlyArray<string> =>
  fs
    .readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(at, path.join(entry.parentPath, entry.name)))
    .sort()

/** A test with a store on a fresh directory. */
const onDisk = <E>(
  name: string,
  body: (store: ContentStore["Service"], at: string) => Effect.Effect<void, E, FileSystem.FileSystem>
) =>
  it.effect(name, () =>
    Effect.scoped(
      Effect.flatMap(directory, (at) =>
        Effect.flatMap(ContentStore, (store) => body(store, at)).pipe(
          Effect.provide(Layer.merge(open(at), NodeFileSystem.layer))
        )
      )
    )
  )

describe("the store on a disk", () => {
  for (const { name, check } of laws) {
    it.effect(name, () => Effect.scoped(Effect.flatMap(directory, (at) => Effect.provide(check, open(at)))))
  }

  onDisk("keeps content in two levels of folders, in files that b3sum would name alike", (store, at) =>
    Effect.gen(function* () {
      const id = yield* store.put(bytesOf("hello"))
      expect(id).toBe("ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f")
      expect(filesIn(at)).toEqual([`ea/8f/${id}`])
      expect(fs.readFileSync(fileOf(at, id), "utf8")).toBe("hello")
      expect(fs.statSync(fileOf(at, id)).mode & 0o777).toBe(0o600)
    })
  )

  it.effect("has after a restart what it had before", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const at = yield* directory
        const put = Effect.flatMap(ContentStore, (store) => store.put(bytesOf("lasting")))
        const id = yield* Effect.provide(put, open(at))
        const again = yield* Effect.flatMap(ContentStore, (store) => store.get(id)).pipe(Effect.provide(open(at)))
        expect(new TextDecoder().decode(again)).toBe("lasting")
      })
    )
  )

  it.effect("removes at its opening what a killed process left half-written", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const at = yield* directory
        fs.mkdirSync(path.join(at, "tmp"))
        fs.writeFileSync(path.join(at, "tmp", "17"), "half a mod")
        yield* Effect.flatMap(ContentStore, (store) => store.list).pipe(Effect.provide(open(at)))
        expect(filesIn(at)).toEqual([])
      })
    )
  )

  onDisk("does not list files that are not content", (store, at) =>
    Effect.gen(function* () {
      const id = yield* store.put(bytesOf("content"))
      fs.writeFileSync(path.join(at, "README"), "not content")
      fs.writeFileSync(path.join(at, id.slice(0, 2), id.slice(2, 4), "notes.txt"), "not content")
      fs.mkdirSync(path.join(at, "00", "00"), { recursive: true })
      fs.writeFileSync(path.join(at, "00", "00", "f".repeat(64)), "in the wrong folder")
      expect(yield* store.list).toEqual([id])
    })
  )
})

describe("a damaged copy", () => {
  const damages: Record<string, (file: string) => void> = {
    "with a changed byte": (file) => {
      const bytes = fs.readFileSync(file)
      bytes[0]! ^= 1
      fs.writeFileSync(file, bytes)
    },
    "cut short": (file) => fs.truncateSync(file, 3),
    emptied: (file) => fs.truncateSync(file, 0),
    "with more at its end": (file) => fs.appendFileSync(file, "x"),
    "grown beyond the limit": (file) => fs.truncateSync(file, contentBytesMax + 1)
  }
  for (const [name, damage] of Object.entries(damages)) {
    onDisk(`${name} is set aside, not served, and can be put again`, (store, at) =>
      Effect.gen(function* () {
        const id = yield* store.put(bytesOf("precious"))
        damage(fileOf(at, id))
        const error = yield* Effect.flip(store.get(id))
        expect([error._tag, error.contentId]).toEqual(["ContentCorrupt", id])
        expect(yield* ContentStoreDisk.quarantined(at)).toEqual([id])
        expect((yield* Effect.flip(store.get(id)))._tag).toBe("ContentUnknown")
        expect(yield* store.list).toEqual([])
        expect(yield* store.put(bytesOf("precious"))).toBe(id)
        expect(yield* store.get(id)).toEqual(bytesOf("precious"))
      })
    )

    onDisk(`${name} is replaced when the same content is put again before anyone reads it`, (store, at) =>
      Effect.gen(function* () {
        const id = yield* store.put(bytesOf("precious"))
        damage(fileOf(at, id))
        yield* store.put(bytesOf("precious"))
        expect(yield* store.get(id)).toEqual(bytesOf("precious"))
      })
    )
  }

  onDisk("is kept for a look, but only so many of them", (store, at) =>
    Effect.gen(function* () {
      for (let i = 0; i < quarantinedFilesMax + 3; i++) {
        const id = yield* store.put(bytesOf(`content ${i}`))
        fs.appendFileSync(fileOf(at, id), "x")
        yield* Effect.flip(store.get(id))
      }
      expect((yield* ContentStoreDisk.quarantined(at)).length).toBe(quarantinedFilesMax)
    })
  )

  onDisk("read by many at once is set aside once", (store, at) =>
    Effect.gen(function* () {
      const id = yield* store.put(bytesOf("precious"))
      fs.appendFileSync(fileOf(at, id), "x")
      const exits = yield* Effect.all(
        Array.from({ length: 8 }, () => Effect.exit(store.get(id))),
        { concurrency: "unbounded" }
      )
      expect(exits.every((exit) => Exit.isFailure(exit))).toBe(true)
      expect(yield* ContentStoreDisk.quarantined(at)).toEqual([id])
    })
  )
})

describe("a disk that refuses", () => {
  const refused = (code: string, method: string) =>
    PlatformError.systemError({
      _tag: "Unknown",
      module: "FileSystem",
      method,
      cause: Object.assign(new Error(code), { code })
    })
  /** A disk on which one step of writing fails, after half of the bytes were written. */
  const failing = (step: "open" | "write" | "sync" | "makeDirectory" | "rename", code: string) =>
    Layer.effect(
      FileSystem.FileSystem,
      Effect.map(FileSystem.FileSystem, (real): FileSystem.FileSystem => ({
        ...real,
        open: (file, options) =>
          options?.flag !== "wx"
            ? real.open(file, options)
            : step === "open"
              ? Effect.fail(refused(code, "open"))
              : Effect.map(real.open(file, options), (opened) => {
                  const half: FileSystem.File = Object.create(opened)
                  if (step === "write") {
                    Object.defineProperty(half, "writeAll", {
                      value: (bytes: Uint8Array) =>
                        Effect.andThen(
                          opened.writeAll(bytes.subarray(0, bytes.length / 2)),
                          Effect.fail(refused(code, "write"))
                        )
                    })
                  }
                  if (step === "sync") {
                    Object.defineProperty(half, "sync", { value: Effect.fail(refused(code, "sync")) })
                  }
                  return half
                }),
        makeDirectory: (folder, options) =>
          step === "makeDirectory" && !folder.endsWith("tmp")
            ? Effect.fail(refused(code, "makeDirectory"))
            : real.makeDirectory(folder, options),
        rename: (from, to) => (step === "rename" ? Effect.fail(refused(code, "rename")) : real.rename(from, to))
      }))
    ).pipe(Layer.provide(NodeFileSystem.layer))

  for (const [step, code, reason] of [
    ["open", "EACCES", /no permission \(EACCES\)/],
    ["write", "ENOSPC", /the disk is full \(ENOSPC\)/],
    ["sync", "EIO", /the disk refused \(EIO\)/],
    ["makeDirectory", "EROFS", /the disk is read-only \(EROFS\)/],
    ["rename", "EDQUOT", /the disk quota is used up \(EDQUOT\)/]
  ] as const) {
    it.effect(`at ${step} with ${code} leaves nothing half-written and says why`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const at = yield* directory
          yield* Effect.gen(function* () {
            const store = yield* ContentStore
            const bytes = bytesOf("too much for this disk")
            const error = yield* Effect.flip(store.put(bytes))
            expect(error._tag).toBe("ContentNotStored")
            expect(error.message).toMatch(reason)
            expect(yield* store.has(ContentId.of(bytes))).toBe(false)
            expect(yield* store.list).toEqual([])
            expect(filesIn(at)).toEqual([])
          }).pipe(Effect.provide(ContentStoreDisk.layer(at).pipe(Layer.provide(failing(step, code)))))
        })
      )
    )
  }

  onDisk("because a file is where a folder should be does not hurt other content", (store, at) =>
    Effect.gen(function* () {
      const blocked = bytesOf("blocked")
      fs.writeFileSync(path.join(at, ContentId.of(blocked).slice(0, 2)), "in the way")
      const error = yield* Effect.flip(store.put(blocked))
      expect(error.message).toMatch(/The content was not stored: .*(ENOTDIR|EEXIST)/)
      const id = yield* store.put(bytesOf("another"))
      expect(yield* store.get(id)).toEqual(bytesOf("another"))
    })
  )

  it.effect("to be a store at all is named when it is opened", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const at = path.join(yield* directory, "file")
        fs.writeFileSync(at, "not a directory")
        const error = yield* Effect.flip(Layer.build(open(at)))
        expect(error._tag).toBe("ContentDirectoryUnusable")
        expect(error.message).toMatch(/cannot hold content: .*Give the node a home/)
        expect(fs.readFileSync(at, "utf8")).toBe("not a directory")
      })
    )
  )
})
