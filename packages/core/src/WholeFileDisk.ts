/**
 * Writes a file so that its name always stands for a whole one, the old or the new, also after a kill or a power cut:
 * into `<path>.new`, flushed, renamed, and the folder flushed. One writer at a time for each path.
 */
import { Effect, FileSystem, type PlatformError } from "effect"
import { dirname } from "node:path"

/** Writes a file for its owner alone (mode 0600), which replaces the one of that name. Its folder must be there. */
export const write = Effect.fn("WholeFileDisk.write")(function* (
  path: string,
  content: string
): Effect.fn.Return<void, PlatformError.PlatformError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const fresh = `${path}.new`
  yield* Effect.gen(function* () {
    // What a process that was killed has left may have another mode.
    yield* fs.remove(fresh, { force: true })
    yield* Effect.scoped(
      Effect.gen(function* () {
        const file = yield* fs.open(fresh, { flag: "wx", mode: 0o600 })
        yield* file.writeAll(new TextEncoder().encode(content))
        yield* file.sync
      })
    )
    yield* fs.rename(fresh, path)
  }).pipe(Effect.onError(() => Effect.ignore(fs.remove(fresh, { force: true }))))
  yield* syncFolder(dirname(path))
})

/** Makes a folder's entries durable; a system that cannot open folders (Windows) does so by itself. */
export const syncFolder = (path: string): Effect.Effect<void, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (fs) =>
    Effect.ignore(Effect.scoped(Effect.flatMap(fs.open(path), (folder) => folder.sync)))
  )
