/**
 * The whole architecture as one expression: which parts a node is made of, and what each is given.
 *
 * Read it from the bottom: settings give a home, the home gives identity, log, state and content; on these stands the
 * mesh; on it the actor system, which sends through it; on that the JIT, the model and the personas; and the doors serve
 * them all.
 */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as ActorStorageLmdb from "@continuum/actors/ActorStorageLmdb"
import * as Limits from "@continuum/actors/Limits"
import { kind as serviceKind, service } from "@continuum/actors/Service"
import * as Address from "@continuum/core/Address"
import { ThoughtStream } from "@continuum/actors/thoughtstream/ThoughtStream"
import * as ContentStoreDisk from "@continuum/core/ContentStoreDisk"
import * as Meter from "@continuum/core/Meter"
import * as LayerCache from "@continuum/genome/LayerCache"
import * as LayerStoreDisk from "@continuum/genome/LayerStoreDisk"
import { meteredLayersMax } from "@continuum/genome/Limits"
import * as Library from "@continuum/persona/retrieval/Library"
import * as Personas from "@continuum/persona/Personas"
import * as Jit from "@continuum/runtime-wasm/Jit"
import * as Sandbox from "@continuum/runtime-wasm/sandbox/Sandbox"
import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { resolve } from "node:path"
import * as Banner from "./Banner.ts"
import { Counter } from "./Counter.ts"
import * as Doctor from "./Doctor.ts"
import * as EventWatch from "./EventWatch.ts"
import * as Events from "./http/Events.ts"
import * as Guard from "./http/Guard.ts"
import * as Health from "./http/Health.ts"
import * as Metrics from "./http/Metrics.ts"
import * as OpenAi from "./http/OpenAi.ts"
import * as Rpc from "./http/Rpc.ts"
import * as ServeNode from "./http/ServeNode.ts"
import * as Welcome from "./http/Welcome.ts"
import * as Home from "./Home.ts"
import * as Inventory from "./Inventory.ts"
import * as Layers from "./Layers.ts"
import * as LogBook from "./LogBook.ts"
import * as Model from "./Model.ts"
import { NodeConfig } from "./NodeConfig.ts"
import { NodeActor } from "./NodeActor.ts"
import * as NodeInfo from "./NodeInfo.ts"
import * as NodeMesh from "./NodeMesh.ts"
import * as Proof from "./Proof.ts"
import * as Spans from "./Spans.ts"
import * as Stop from "./Stop.ts"

/** What people and programs call. */
const Doors = Layer.mergeAll(
  Rpc.layer,
  OpenAi.layer,
  Events.layer,
  Health.layer,
  Metrics.layer,
  Welcome.layer,
  Guard.layer
)

/**
 * The long-running parts of a node are supervised actors too: `continuum://local/service/http` and `.../log`. The doors close
 * first, while all that answers stands: a request in progress comes to its end, if that is soon.
 */
const Services = Layer.effectDiscard(
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const { writing } = yield* LogBook.LogBook
    yield* system.run(service("log", writing))
    const serving = HttpRouter.serve(Doors, { disableLogger: true, disableListenLog: true })
    yield* system.run(service("http", Layer.launch(serving)))
    const { closeDoors } = yield* Stop.Stop
    const stopHttp = Effect.ignore(system.stop(Address.format(Address.make(serviceKind, "http"))))
    yield* Effect.addFinalizer(() => Effect.andThen(closeDoors, stopHttp))
  })
)

/** Actor types that every node has. */
const BuiltInActors = Layer.effectDiscard(
  Effect.gen(function* () {
    const system = yield* ActorSystem
    yield* system.register(Counter)
    yield* system.register(NodeActor)
  })
)

const Actors = Layer.unwrap(
  Effect.gen(function* () {
    const { settings } = yield* NodeConfig
    const { statePath } = yield* Home.Home
    const spans = settings.otlp === undefined ? {} : { spans: { ratio: settings.spanRatio } }
    return ActorSystem.layer({ nodeName: settings.name, timelineEvents: Limits.timelineEvents, ...spans }).pipe(
      Layer.provide(ActorStorageLmdb.layer({ dir: statePath }))
    )
  })
)

const Content = Layer.unwrap(Effect.map(Home.Home, ({ contentPath }) => ContentStoreDisk.layer(contentPath)))

const Modules = Layer.unwrap(
  Effect.gen(function* () {
    const { settings } = yield* NodeConfig
    const { languages, name, publicKey } = yield* NodeInfo.NodeInfo
    return Jit.layer({ nodeName: name, nodeKey: publicKey, languages, cacheBytesMax: settings.memoryBytesMax })
  })
).pipe(Layer.provide(Sandbox.layer))

/** The model finds its layers in a store below the home, through a cache. */
const Genome = Layer.unwrap(
  Effect.map(Home.Home, ({ layersPath }) =>
    Layers.layer.pipe(
      Layer.provideMerge(Model.layer),
      Layer.provide(LayerCache.layerSource),
      Layer.provide(LayerCache.layer()),
      Layer.provide(LayerStoreDisk.layer(layersPath)),
      Layer.provide(Meter.layerMemory(meteredLayersMax))
    )
  )
)

/** Personas answer by the model, and from the documents of this project. */
const Minds = Layer.unwrap(Effect.map(Layers.Layers, ({ known }) => Personas.layer({ layers: known }))).pipe(
  Layer.provide(Library.layerFolder(resolve(import.meta.dirname, "../../..")))
)

/** Which answer is given next. One persona may speak with many people: what there is little of are slots. */
const Turns = Layer.unwrap(
  Effect.map(NodeConfig, ({ settings: { turns } }) =>
    ThoughtStream.layer({ turnsPerProcess: Number.POSITIVE_INFINITY, budget: { slots: turns } })
  )
)

export const NodeLayer = Layer.mergeAll(Services, BuiltInActors, NodeMesh.layerService, Banner.layer).pipe(
  Layer.provideMerge(Doctor.layer),
  Layer.provideMerge(Proof.layer),
  Layer.provideMerge(Layer.mergeAll(Inventory.layer, EventWatch.layer)),
  Layer.provideMerge(Minds),
  Layer.provideMerge(Layer.mergeAll(Modules, Genome, Turns, Stop.layer)),
  Layer.provideMerge(Actors),
  Layer.provideMerge(NodeMesh.layer),
  Layer.provideMerge(Layer.mergeAll(NodeInfo.layer, Content)),
  Layer.provideMerge(ServeNode.layer),
  Layer.provideMerge(Spans.layer),
  Layer.provideMerge(LogBook.layer),
  Layer.provideMerge(Home.layer)
)
