/**
 * GrantStore in one JSON file, mode 0600, which is written whole beside the old one, flushed and renamed: after a power cut
 * there is the old file or the new one. A file that cannot be read is an error and is never overwritten.
 */
import type { PublicKey } from "@continuum/core/Identity"
import { peersMax } from "@continuum/core/Limits"
import { Effect, FileSystem, Layer, Schema, Semaphore } from "effect"
import { checkRoom, Grant, GrantNotStored, GrantStore } from "./GrantStore.ts"
import { grantsBytesMax } from "./Limits.ts"

/** The file of grants cannot be used. It was not changed. */
export class GrantsUnreadable extends Schema.TaggedError<GrantsUnreadable>()("GrantsUnreadable", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.path} cannot be read: ${this.reason}. Mend it, or move it away and add your peers again`
  }
}

const Stored = Schema.fromJsonString(
  Schema.Struct({ version: Schema.Literal(1), peers: Schema.Array(Grant).check(Schema.isMaxLength(peersMax)) })
)

/** Opens the file of this path, which need not exist. */
export const layer = (path: string): Layer.Layer<GrantStore, GrantsUnreadable, FileSystem.FileSystem> =>
  Layer.effect(GrantStore, open(path))

const open = Effect.fn("GrantStoreDisk.open")(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  let grants: ReadonlyMap<PublicKey, Grant> = new Map(
    (yield* read(fs, path)).map((grant) => [grant.publicKey, grant] as const)
  )
  const one = Semaphore.makeUnsafe(1)

  const write = (next: ReadonlyMap<PublicKey, Grant>) =>
    Effect.gen(function* () {
      const text = yield* Schema.encodeEffect(Stored)({ version: 1, peers: [...next.values()] })
      const temporary = `${path}.new`
      yield* fs.remove(temporary, { force: true })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const file = yield* fs.open(temporary, { flag: "wx", mode: 0o600 })
          yield* file.writeAll(new TextEncoder().encode(`${text}\n`))
          yield* file.sync
        })
      )
      yield* fs.rename(temporary, path)
      // Makes the new name durable; a system that cannot open directories (Windows) does so by itself.
      const folder = path.replace(/[^/\\]*$/, "") || "."
      yield* Effect.ignore(Effect.scoped(Effect.flatMap(fs.open(folder), (opened) => opened.sync)))
      grants = next
    }).pipe(Effect.mapError((error) => new GrantNotStored({ reason: error.message })))

  return GrantStore.of({
    all: Effect.sync(() => [...grants.values()]),
    set: (grant) =>
      one.withPermits(1)(
        Effect.suspend(() =>
          Effect.andThen(checkRoom(grants, grant), write(new Map(grants).set(grant.publicKey, grant)))
        )
      ),
    remove: (publicKey) =>
      one.withPermits(1)(
        Effect.suspend(() => {
          const next = new Map(grants)
          return next.delete(publicKey) ? Effect.as(write(next), true) : Effect.succeed(false)
        })
      )
  })
})

const read = (fs: FileSystem.FileSystem, path: string): Effect.Effect<ReadonlyArray<Grant>, GrantsUnreadable> => {
  const unreadable = (reason: string) => new GrantsUnreadable({ path, reason })
  return Effect.gen(function* () {
    const size = yield* fs.stat(path).pipe(
      Effect.map((info) => Number(info.size)),
      Effect.catchReason("PlatformError", "NotFound", () => Effect.succeed(undefined)),
      Effect.mapError((error) => unreadable(error.message))
    )
    if (size === undefined) return []
    if (size > grantsBytesMax) return yield* unreadable(`it has more than ${grantsBytesMax} bytes`)
    const text = yield* Effect.mapError(fs.readFileString(path), (error) => unreadable(error.message))
    const { peers } = yield* Effect.mapError(Schema.decodeUnknownEffect(Stored)(text), (error) =>
      unreadable(error.message)
    )
    return peers
  })
}
