/**
 * The model that comes with the package: what a fresh node speaks with, without a download. `report.json` beside it says
 * what it can and what it cannot; `tools/build-tiny-model.ts` makes it.
 */
import { Effect, FileSystem } from "effect"
import { WeightsDamaged } from "../backend/BackendError.ts"
import * as LayerFolder from "../LayerFolder.ts"
import type { CardedLayer } from "../LayerFolder.ts"

/** Where it lies: `directory` of `EmbeddedOnnxRuntime`. */
export const directory: string = decodeURIComponent(new URL("../../assets/tiny", import.meta.url).pathname)

/** Its layers, one for each domain, by name. Fails with `WeightsDamaged`, naming the file. */
export const layers: Effect.Effect<ReadonlyArray<CardedLayer>, WeightsDamaged, FileSystem.FileSystem> = Effect.gen(
  function* () {
    const fs = yield* FileSystem.FileSystem
    const folder = `${directory}/layers`
    const names = yield* Effect.mapError(
      fs.readDirectory(folder),
      ({ message }) => new WeightsDamaged({ file: folder, reason: `cannot be read: ${message}` })
    )
    return yield* Effect.forEach(names.toSorted(), (name) => LayerFolder.read(`${folder}/${name}`))
  }
)
