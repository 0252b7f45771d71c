/**
 * The layers of the node: those that came with the model, kept in `<home>/layers`, each an actor that counts its uses.
 *
 * The layers of the model are put into the store when they are first asked for; ones that are there already, by their
 * content id, are left as they are. Whatever answers through the `Backend` of this file is
 * counted, its tokens too.
 */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import type { ContentId } from "@continuum/core/ContentId"
import * as Meter from "@continuum/core/Meter"
import { Backend } from "@continuum/genome/backend/Backend"
import * as BackendCounted from "@continuum/genome/backend/BackendCounted"
import * as BackendMetered from "@continuum/genome/backend/BackendMetered"
import type { ReadonlyHistogram } from "@continuum/genome/backend/Histogram"
import * as LayerActor from "@continuum/genome/LayerActor"
import type { LayerCard } from "@continuum/genome/LayerCard"
import { LayerStore } from "@continuum/genome/LayerStore"
import * as LayerUses from "@continuum/genome/LayerUses"
import * as TinyModel from "@continuum/genome/model/TinyModel"
import type { LayerSummary } from "@continuum/genome/rpc"
import type { KnownLayer } from "@continuum/persona/NamedLayer"
import { Context, Effect, FileSystem, Layer } from "effect"
import { Model } from "./Model.ts"

/** Tokens that were read and written with a layer. */
export interface LayerUsage {
  /** Its name; its content id where it is not known any more; `none`, `several` and `other` as docs/PROTOCOL.md says. */
  readonly layer: string
  readonly promptTokens: number
  readonly completionTokens: number
}

export class Layers extends Context.Service<
  Layers,
  {
    /** What each is and has done. One whose actor does not answer is left out, as `doctor` tells. */
    readonly list: Effect.Effect<ReadonlyArray<LayerSummary>>
    /** Those that fit the model, with how often each was right when it was measured, and after them the others. */
    readonly known: Effect.Effect<ReadonlyArray<KnownLayer>>
    /** Tokens of the model since the start. */
    readonly usages: Effect.Effect<ReadonlyArray<LayerUsage>>
    /** Seconds from a request of the model to its first text. */
    readonly firstText: ReadonlyHistogram
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
      const layers = yield* TinyModel.layers
      for (const one of layers) if (!there.has(one.card.contentId)) yield* store.put(one)
      return new Set(layers.map(({ card }) => card.contentId))
    }).pipe(
      Effect.provideService(FileSystem.FileSystem, fs),
      Effect.catch((error) =>
        Effect.as(Effect.logError(`The model's layers are not all there: ${error.message}`), new Set<ContentId>())
      )
    )
    /** Those that came with the model, put into the store. */
    const shipped = yield* Effect.cached(put)
    // Every turn of a conversation asks; reading the cards each time would cost it a few milliseconds.
    const cards = yield* Effect.cachedWithTTL(Effect.andThen(shipped, store.list), "1 second")

    const summary = Effect.fnUntraced(function* ({ base, contentId, kind, name, rank, version }: LayerCard) {
      const { failures, state, uses } = yield* system.ref(definition, contentId).statistics()
      const successRate = uses === 0 ? null : (uses - failures) / uses
      return { contentId, name, version, kind, base, rank, state, uses, successRate } satisfies LayerSummary
    })
    const layerUses = yield* LayerUses.make((contentId, uses) =>
      Effect.ignore(system.ref(definition, contentId).tell.used(uses))
    )
    const list = Effect.flatMap(Effect.andThen(layerUses.flush, cards), (cards) =>
      Effect.map(
        Effect.forEach(cards, (card) => Effect.option(summary(card))),
        (all) => all.flatMap((one) => (one._tag === "Some" ? [one.value] : []))
      )
    )
    const known = Effect.gen(function* () {
      const { base } = yield* backend.capabilities
      const measured = yield* accuracy
      const own = yield* shipped
      // Of a name, a home may still have the layer of an older model: the one that came with this one is the first.
      const all = (yield* cards).toSorted(
        (one, other) => Number(own.has(other.contentId)) - Number(own.has(one.contentId))
      )
      const [fitting, others] = [all.filter((card) => card.base === base), all.filter((card) => card.base !== base)]
      return [
        ...fitting.map(({ contentId, name }): KnownLayer => ({ contentId, name, accuracy: measured[name] })),
        ...others.map(({ base: otherBase, contentId, name }): KnownLayer => ({ contentId, name, otherBase }))
      ]
    })

    const counted = BackendCounted.make(backend, layerUses.add)
    const meter = yield* Meter.Meter
    const metered = BackendMetered.make(counted, meter)
    const usages = Effect.gen(function* () {
      const names = new Map<string, string>([
        [BackendMetered.bareAccount, "none"],
        [BackendMetered.severalAccount, "several"],
        [Meter.overflowAccount, "other"]
      ])
      for (const { contentId, name } of yield* cards) names.set(BackendMetered.accountOf([{ contentId }]), name)
      const found = new Map<string, { promptTokens: number; completionTokens: number }>()
      for (const { account, amount, resource } of yield* meter.usages) {
        if (resource !== "promptTokens" && resource !== "completionTokens") continue
        const layer = names.get(account) ?? account.slice(account.lastIndexOf("/") + 1)
        const sums = found.get(layer) ?? { promptTokens: 0, completionTokens: 0 }
        sums[resource] += amount
        found.set(layer, sums)
      }
      return Array.from(found, ([layer, sums]) => ({ layer, ...sums }))
    })
    return Context.make(Layers, { list, known, usages, firstText: metered.firstText }).pipe(
      Context.add(Backend, metered.backend)
    )
  })
)
