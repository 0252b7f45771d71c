/**
 * The layers of the node: those that came with the model, kept in `<home>/layers`, each an actor that counts its uses.
 *
 * The layers of the model are put into the store when they are first asked for; ones that are there already, by their
 * content id, are left as they are. Whatever answers through the `Backend` of this file is counted.
 */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { Backend } from "@continuum/genome/backend/Backend"
import * as BackendCounted from "@continuum/genome/backend/BackendCounted"
import * as LayerActor from "@continuum/genome/LayerActor"
import type { LayerCard } from "@continuum/genome/LayerCard"
import { LayerStore } from "@continuum/genome/LayerStore"
import * as TinyModel from "@continuum/genome/model/TinyModel"
import type { LayerSummary } from "@continuum/genome/rpc"
import type { KnownLayer } from "@continuum/persona/NamedLayer"
import { Context, Effect, FileSystem, Layer } from "effect"
import { Model } from "./Model.ts"

export class Layers extends Context.Service<
  Layers,
  {
    /** What each is and has done. One whose actor does not answer is left out, as `doctor` tells. */
    readonly list: Effect.Effect<ReadonlyArray<LayerSummary>>
    /** Those that fit the model, with how often each was right when it was measured, and after them the others. */
    readonly known: Effect.Effect<ReadonlyArray<KnownLayer>>
  }
>()("@continuum/node/Layers") {}

export const layer = Layer.effectContext(
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const store = yield* LayerStore
    const fs = yield* FileSystem.FileSystem
    const { accuracy, backend } = yield* Model
    const definition = yield* system
      .register(LayerActor.make(yield* LayerActor.acceptsStored))
      .pipe(Effect.provideService(Backend, backend))

    const put = Effect.gen(function* () {
      const there = new Set((yield* store.list).map(({ contentId }) => contentId))
      for (const one of yield* TinyModel.layers) if (!there.has(one.card.contentId)) yield* store.put(one)
    }).pipe(
      Effect.provideService(FileSystem.FileSystem, fs),
      Effect.catch((error) => Effect.logError(`The model's layers are not all there: ${error.message}`))
    )
    // Every turn of a conversation asks; reading the cards each time would cost it a few milliseconds.
    const cards = yield* Effect.cachedWithTTL(Effect.andThen(yield* Effect.cached(put), store.list), "1 second")

    const summary = Effect.fnUntraced(function* ({ base, contentId, kind, name, rank, version }: LayerCard) {
      const { failures, state, uses } = yield* system.ref(definition, contentId).statistics()
      const successRate = uses === 0 ? null : (uses - failures) / uses
      return { contentId, name, version, kind, base, rank, state, uses, successRate } satisfies LayerSummary
    })
    const list = Effect.flatMap(cards, (cards) =>
      Effect.map(
        Effect.forEach(cards, (card) => Effect.option(summary(card))),
        (all) => all.flatMap((one) => (one._tag === "Some" ? [one.value] : []))
      )
    )
    const known = Effect.gen(function* () {
      const { base } = yield* backend.capabilities
      const measured = yield* accuracy
      const all = yield* cards
      const [fitting, others] = [all.filter((card) => card.base === base), all.filter((card) => card.base !== base)]
      return [
        ...fitting.map(({ contentId, name }): KnownLayer => ({ contentId, name, accuracy: measured[name] })),
        ...others.map(({ base: otherBase, contentId, name }): KnownLayer => ({ contentId, name, otherBase }))
      ]
    })

    const counted = BackendCounted.make(backend, (contentId, success) =>
      Effect.ignore(system.ref(definition, contentId).tell.used({ success }))
    )
    return Context.make(Layers, { list, known }).pipe(Context.add(Backend, counted))
  })
)
