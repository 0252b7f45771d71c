/**
 * LayerStore on a directory: each layer is a folder with its content id as name, as `LayerFolder` has it, so that PEFT can
 * read it in place. A folder appears under its name only when it is whole. One process at a time.
 */
import { ContentId } from "@continuum/core/ContentId"
import { Effect, FileSystem, Layer as EffectLayer, Schema } from "effect"
import { LayerUnknown } from "./backend/BackendError.ts"
import * as LayerFolder from "./LayerFolder.ts"
import { byName, check, LayerNotStored, LayerStore } from "./LayerStore.ts"

/** Opens, and makes where it is missing, the store in this directory. Fails with `LayerNotStored` where it cannot be. */
export const layer = (directory: string): EffectLayer.Layer<LayerStore, LayerNotStored, FileSystem.FileSystem> =>
  EffectLayer.effect(LayerStore, open(directory))

const isContentId = Schema.is(ContentId)

const open = Effect.fn("LayerStoreDisk.open")(function* (directory: string) {
  const fs = yield* FileSystem.FileSystem
  const temporary = `${directory}/tmp`
  const notStored = (error: { readonly message: string }) => new LayerNotStored({ reason: error.message })
  // What is here was being written when a process ended.
  yield* fs
    .remove(temporary, { recursive: true, force: true })
    .pipe(Effect.andThen(fs.makeDirectory(temporary, { recursive: true, mode: 0o700 })), Effect.mapError(notStored))
  let written = 0
  const pathOf = (contentId: ContentId) => `${directory}/${contentId}`
  const has = (contentId: ContentId) => Effect.orElseSucceed(fs.exists(pathOf(contentId)), () => false)
  const ids = Effect.orElseSucceed(fs.readDirectory(directory), () => []).pipe(
    Effect.map((names: ReadonlyArray<string>) => names.filter((name) => isContentId(name)))
  )
  const existing = <A, E>(
    contentId: ContentId,
    read: (path: string) => Effect.Effect<A, E, FileSystem.FileSystem>
  ): Effect.Effect<A, E | LayerUnknown> =>
    Effect.flatMap(has(contentId), (isThere): Effect.Effect<A, E | LayerUnknown> =>
      isThere
        ? Effect.provideService(read(pathOf(contentId)), FileSystem.FileSystem, fs)
        : Effect.fail(new LayerUnknown({ contentId }))
    )

  return LayerStore.of({
    put: Effect.fn("LayerStoreDisk.put")(function* (one) {
      const { contentId } = one.card
      yield* check(one, (yield* has(contentId)) ? 0 : (yield* ids).length)
      const files = yield* LayerFolder.filesOf(one)
      const folder = `${temporary}/${written++}`
      yield* Effect.gen(function* () {
        yield* fs.makeDirectory(folder, { mode: 0o700 })
        for (const [name, bytes] of files) yield* fs.writeFile(`${folder}/${name}`, bytes, { mode: 0o600 })
        yield* fs.remove(pathOf(contentId), { recursive: true, force: true })
        yield* fs.rename(folder, pathOf(contentId))
      }).pipe(
        Effect.mapError(notStored),
        Effect.onError(() => Effect.ignore(fs.remove(folder, { recursive: true, force: true })))
      )
    }),
    get: (contentId) => existing(contentId, LayerFolder.read),
    card: (contentId) => existing(contentId, LayerFolder.readCard),
    remove: (contentId) =>
      Effect.tap(has(contentId), () => Effect.ignore(fs.remove(pathOf(contentId), { recursive: true, force: true }))),
    list: Effect.flatMap(ids, (all) =>
      Effect.forEach(all, (contentId) => Effect.option(existing(contentId, LayerFolder.readCard)))
    ).pipe(Effect.map((cards) => byName(cards.flatMap((card) => (card._tag === "Some" ? [card.value] : [])))))
  })
})
