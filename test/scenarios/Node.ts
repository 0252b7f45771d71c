/**
 * A bare node for the scenarios of actors: a mesh over real Hyperswarm and a system with the scenarios' actors, in whatever
 * runtime runs it. Bun and Deno use a sidecar, Node loads Hyperswarm itself.
 */
import * as ActorStorageLmdb from "@continuum/actors/ActorStorageLmdb"
import * as ActorStorageMemory from "@continuum/actors/ActorStorageMemory"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { register } from "@continuum/actors/testing/RouterScenarios"
import { generate, type Identity } from "@continuum/core/Identity"
import { Transport } from "@continuum/core/Transport"
import * as GrantStore from "@continuum/mesh/GrantStore"
import { Mesh } from "@continuum/mesh/Mesh"
import * as MeshTransport from "@continuum/mesh/MeshTransport"
import { Context, Effect, Layer, type Scope } from "effect"
import { logOf } from "./Log.ts"

/** Of actors that move: short, because a test waits for the end of one. */
const leaseTtl = "2 seconds"

export interface ScenarioNode {
  readonly identity: Identity
  readonly system: ActorSystem["Service"]
  readonly mesh: Mesh["Service"]
  readonly Log: ReturnType<typeof logOf>
}

/** Whose keys it has, and the directory of its stored states; by default its own, and none. */
export interface Options {
  readonly identity?: Identity
  readonly dir?: string
}

/** Starts one that finds others by this DHT node, and lives as long as the scope. */
export const start = (
  name: string,
  bootstrap: string,
  { dir, ...options }: Options = {}
): Effect.Effect<ScenarioNode, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const identity = options.identity ?? (yield* generate)
    const storage = dir === undefined ? ActorStorageMemory.layer : ActorStorageLmdb.layer({ dir })
    const layer = ActorSystem.layer({ nodeName: name, stopTimeout: 50, leaseTtl }).pipe(
      Layer.provide(storage),
      Layer.provideMerge(
        Mesh.layer({ identity, name, networkId: new Uint8Array(32).fill(9), announce: false }).pipe(
          Layer.provide(GrantStore.layerMemory),
          Layer.provideMerge(MeshTransport.layer({ keyPair: identity.node, bootstrap: [bootstrap] }))
        )
      )
    )
    const context = yield* Layer.build(layer)
    const service = Context.get(context, ActorSystem)
    yield* Effect.provideService(register, ActorSystem, service)
    const Log = yield* service.register(logOf(name))
    // Only then can it be found in the DHT.
    const { status } = Context.get(context, Transport)
    while ((yield* status).state !== "ready") yield* Effect.sleep("10 millis")
    return { identity, system: service, mesh: Context.get(context, Mesh), Log }
  })
