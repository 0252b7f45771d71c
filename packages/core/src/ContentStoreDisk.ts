/**
 * ContentStore on a directory: the bytes of an id are the file `ab/cd/abcd...`, as `b3sum` would name it.
 *
 * A file appears under its name only when it is whole and on the disk: it is written to `tmp/`, flushed, and renamed. A
 * file that no longer has its hash is moved to `quarantine/` when it is read, and not served. One process at a time
 * opens a directory: opening clears `tmp/`. Failures of the disk other than those named in the port's errors are defects.
 */
import { Effect, FileSystem, Layer, type PlatformError, Schema } from "effect"
import * as ContentId from "./ContentId.ts"
import { checkSize, ContentCorrupt, ContentNotStored, ContentStore, ContentUnknown } from "./ContentStore.ts"
import { contentBytesMax, quarantinedFilesMax } from "./Limits.ts"
import { syncFolder } from "./WholeFileDisk.ts"

/** The directory cannot be used as a content store. Nothing was changed in it. */
export class ContentDirectoryUnusable extends Schema.TaggedError<ContentDirectoryUnusable>()(
  "ContentDirectoryUnusable",
  { directory: Schema.String, reason: Schema.String }
) {
  override get message() {
    return `${this.directory} cannot hold content: ${this.reason}. Give the node a home that it may write to`
  }
}

/** Opens, and makes where it is missing, the store in this directory. */
export const layer = (directory: string): Layer.Layer<ContentStore, ContentDirectoryUnusable, FileSystem.FileSystem> =>
  Layer.effect(ContentStore, open(directory))

/** Ids of the damaged copies that were set aside, at most `quarantinedFilesMax`. For `doctor`. */
export const quarantined = (
  directory: string
): Effect.Effect<ReadonlyArray<ContentId.ContentId>, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (fs) =>
    fs.readDirectory(`${directory}/${quarantineFolder}`).pipe(
      Effect.catchReason("PlatformError", "NotFound", () => Effect.succeed([])),
      Effect.orDie,
      Effect.map((names: ReadonlyArray<string>) => names.filter((name) => isContentId(name)))
    )
  )

const temporaryFolder = "tmp"
const quarantineFolder = "quarantine"
const isContentId = Schema.is(ContentId.ContentId)

const open = Effect.fn("ContentStoreDisk.open")(function* (directory: string) {
  const fs = yield* FileSystem.FileSystem
  const temporary = `${directory}/${temporaryFolder}`
  const folderOf = (id: ContentId.ContentId) => `${directory}/${id.slice(0, 2)}/${id.slice(2, 4)}`
  const pathOf = (id: ContentId.ContentId) => `${folderOf(id)}/${id}`
  let written = 0

  // A file here was being written when a process ended: nobody will finish it.
  yield* fs.remove(temporary, { recursive: true, force: true }).pipe(
    Effect.andThen(fs.makeDirectory(temporary, { recursive: true, mode: 0o700 })),
    Effect.mapError((error) => new ContentDirectoryUnusable({ directory, reason: reasonOf(error) }))
  )

  const write = Effect.fnUntraced(
    function* (temporaryFile: string, id: ContentId.ContentId, bytes: Uint8Array) {
      yield* Effect.scoped(
        Effect.gen(function* () {
          const file = yield* fs.open(temporaryFile, { flag: "wx", mode: 0o600 })
          if (bytes.length > 0) yield* file.writeAll(bytes)
          yield* file.sync
        })
      )
      yield* fs.makeDirectory(folderOf(id), { recursive: true, mode: 0o700 })
      yield* fs.rename(temporaryFile, pathOf(id))
      for (const path of [folderOf(id), `${directory}/${id.slice(0, 2)}`, directory])
        yield* syncFolder(path).pipe(Effect.provideService(FileSystem.FileSystem, fs))
    },
    (effect, temporaryFile) => Effect.onError(effect, () => Effect.ignore(fs.remove(temporaryFile, { force: true })))
  )

  /** Whether the whole, undamaged content is there already. */
  const holds = (id: ContentId.ContentId, bytes: Uint8Array) =>
    fs.stat(pathOf(id)).pipe(
      Effect.flatMap(({ size }) =>
        Number(size) === bytes.length ? fs.readFile(pathOf(id)) : Effect.succeed(undefined)
      ),
      Effect.map((stored) => stored !== undefined && ContentId.verify(id, stored)),
      Effect.orElseSucceed(() => false)
    )

  const setAside = Effect.fn("ContentStoreDisk.setAside")(function* (contentId: ContentId.ContentId) {
    const quarantine = `${directory}/${quarantineFolder}`
    yield* Effect.logWarning("Stored content is damaged and was set aside", { contentId })
    yield* fs.makeDirectory(quarantine, { recursive: true, mode: 0o700 })
    const names = (yield* fs.readDirectory(quarantine)).toSorted()
    for (const name of names.slice(0, Math.max(0, names.length - quarantinedFilesMax + 1))) {
      yield* fs.remove(`${quarantine}/${name}`, { force: true })
    }
    // Another reader may have been first.
    yield* fs
      .rename(pathOf(contentId), `${quarantine}/${contentId}`)
      .pipe(Effect.catchReason("PlatformError", "NotFound", () => Effect.void))
  })

  return ContentStore.of({
    put: Effect.fn("ContentStoreDisk.put")(function* (given) {
      yield* checkSize(given)
      const bytes = given.slice()
      const id = ContentId.of(bytes)
      if (yield* holds(id, bytes)) return id
      yield* write(`${temporary}/${written++}`, id, bytes).pipe(
        Effect.mapError((error) => new ContentNotStored({ reason: reasonOf(error) }))
      )
      return id
    }),

    get: Effect.fn("ContentStoreDisk.get")(function* (contentId) {
      const bytes = yield* Effect.flatMap(fs.stat(pathOf(contentId)), ({ size }) =>
        Number(size) > contentBytesMax ? Effect.succeed(undefined) : fs.readFile(pathOf(contentId))
      ).pipe(
        Effect.catchReason("PlatformError", "NotFound", () => Effect.fail(new ContentUnknown({ contentId }))),
        Effect.catchTag("PlatformError", (error) => Effect.die(error))
      )
      // A plain Uint8Array on every runtime: a Buffer's slice shares memory and its JSON differs.
      if (bytes !== undefined && ContentId.verify(contentId, bytes)) {
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      }
      yield* Effect.orDie(setAside(contentId))
      return yield* new ContentCorrupt({ contentId })
    }),

    has: (id) => Effect.orDie(fs.exists(pathOf(id))),

    remove: (id) =>
      fs.remove(pathOf(id)).pipe(
        Effect.as(true),
        Effect.catchReason("PlatformError", "NotFound", () => Effect.succeed(false)),
        Effect.orDie
      ),

    list: Effect.gen(function* () {
      const ids: Array<ContentId.ContentId> = []
      const folders = (path: string) =>
        Effect.map(fs.readDirectory(path), (names) => names.filter((name) => /^[0-9a-f]{2}$/.test(name)))
      for (const first of yield* folders(directory)) {
        for (const second of yield* folders(`${directory}/${first}`)) {
          for (const name of yield* fs.readDirectory(`${directory}/${first}/${second}`)) {
            if (isContentId(name) && name.startsWith(first + second)) ids.push(name)
          }
        }
      }
      return ids
    }).pipe(Effect.orDie)
  })
})

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the disk is read-only",
  EACCES: "there is no permission",
  EPERM: "there is no permission",
  EMFILE: "too many files are open",
  ENOTDIR: "a part of the path is no directory",
  EEXIST: "a file is where a directory should be"
}

const reasonOf = (error: PlatformError.PlatformError): string => {
  const code = (error.cause as { readonly code?: string } | undefined)?.code
  return code === undefined ? error.message : `${reasons[code] ?? "the disk refused"} (${code})`
}
