import * as LayerStore from "@continuum/genome/LayerStore"
import * as LayerStoreDisk from "@continuum/genome/LayerStoreDisk"
import { carded, laws } from "@continuum/genome/testing/LayerStoreLaws"
import * as Peft from "@continuum/genome/formats/Peft"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"

describe("LayerStore in memory", () => {
  for (const { name, check } of laws) it.effect(name, () => Effect.provide(check, LayerStore.layerMemory()))
})

describe("LayerStoreDisk", () => {
  const inFolder = <A, E>(
    use: (directory: string) => Effect.Effect<A, E, FileSystem.FileSystem>
  ): Effect.Effect<A, unknown> =>
    Effect.flatMap(FileSystem.FileSystem, (fs) =>
      Effect.flatMap(fs.makeTempDirectoryScoped({ prefix: "continuum-layers-" }), use)
    ).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

  for (const { name, check } of laws) {
    it.effect(name, () => inFolder((directory) => Effect.provide(check, LayerStoreDisk.layer(directory))))
  }

  it.effect("keeps layers for the next process, where PEFT can read them", () =>
    inFolder((directory) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const one = yield* carded("one", 1)
        const withStore = <A, E>(use: (store: LayerStore.LayerStore["Service"]) => Effect.Effect<A, E>) =>
          Effect.flatMap(LayerStore.LayerStore, use).pipe(Effect.provide(LayerStoreDisk.layer(directory)))
        yield* withStore((store) => store.put(one))
        yield* fs.writeFileString(`${directory}/tmp/left`, "by a process that was killed")
        assert.deepStrictEqual(yield* withStore((store) => store.list), [one.card])
        assert.deepStrictEqual(yield* fs.readDirectory(`${directory}/tmp`), [])
        const folder = `${directory}/${one.card.contentId}`
        const adapter = yield* Peft.read({
          config: yield* fs.readFileString(`${folder}/${Peft.configFile}`),
          weights: yield* fs.readFile(`${folder}/${Peft.weightsFile}`)
        })
        assert.strictEqual(adapter.base, "test/base")
      })
    )
  )

  it.effect("a damaged layer is named with its file, and the others stay", () =>
    inFolder((directory) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const store = yield* LayerStore.LayerStore
        const [one, other] = [yield* carded("one", 1), yield* carded("other", 2)]
        yield* store.put(one)
        yield* store.put(other)
        const path = `${directory}/${one.card.contentId}/${Peft.weightsFile}`
        const bytes = yield* fs.readFile(path)
        bytes[bytes.length - 1]! ^= 1
        yield* fs.writeFile(path, bytes)
        const error = yield* Effect.flip(store.get(one.card.contentId))
        assert.deepInclude(error, { _tag: "WeightsDamaged", file: path })
        yield* fs.writeFileString(`${directory}/${one.card.contentId}/card.json`, "{")
        assert.deepStrictEqual(yield* store.list, [other.card])
      }).pipe(Effect.provide(LayerStoreDisk.layer(directory)))
    )
  )
})
