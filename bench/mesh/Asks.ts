/** Two nodes on transports that are given: an actor of one is asked by the other, and content is fetched by its id. */
import { fromRpcs, reply } from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as ContentId from "@continuum/core/ContentId"
import { ContentStore, layerMemory } from "@continuum/core/ContentStore"
import * as Delivery from "@continuum/core/Delivery"
import { generate, type KeyPair } from "@continuum/core/Identity"
import { Transport } from "@continuum/core/Transport"
import * as ContentRoutingMesh from "@continuum/mesh/content/ContentRoutingMesh"
import * as GrantStore from "@continuum/mesh/GrantStore"
import { Mesh } from "@continuum/mesh/Mesh"
import { Context, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { check, measure, quick } from "../Measure.ts"
import { bulkBytes } from "./Workload.ts"

class Rpcs extends RpcGroup.make(Rpc.make("echo", { payload: { text: Schema.String }, success: Schema.String })) {}
const Echo = fromRpcs("echo", Rpcs, {
  state: { schema: Schema.Null, initial: null },
  handlers: { echo: (state, { text }) => reply(state, text) }
})

const start = (keyPair: KeyPair, transport: Transport["Service"]) =>
  Effect.gen(function* () {
    const { realm } = yield* generate
    const identity = { node: keyPair, realm }
    const options = { identity, name: "bench", networkId: new Uint8Array(32), announce: false }
    const context = yield* Layer.build(
      Mesh.layer(options).pipe(
        Layer.provide([Layer.succeed(Transport, transport), GrantStore.layerMemory]),
        Layer.merge(Layer.fresh(layerMemory))
      )
    )
    const [mesh, store] = [Context.get(context, Mesh), Context.get(context, ContentStore)]
    const content = ContentRoutingMesh.make({ isGranted: () => true, dial: transport.dial })
    const { protocol, routing } = yield* Effect.provideService(content, ContentStore, store)
    yield* mesh.register(protocol)
    const delivery = Context.get(context, Delivery.Delivery)
    const actors = yield* Layer.build(ActorSystem.layerWithoutStorage({ freeze: false, delivery }))
    return {
      mesh,
      store,
      routing,
      key: keyPair.publicKey,
      realm: realm.publicKey,
      system: Context.get(actors, ActorSystem)
    }
  })

type End = readonly [KeyPair, Transport["Service"]]

export const run = Effect.fnUntraced(function* (here: End, there: End) {
  const [a, b] = [yield* start(...here), yield* start(...there)]
  yield* a.mesh.add(b.key)
  yield* b.mesh.add(a.key)
  yield* b.system.register(Echo)
  const echo = a.system.at(Echo, `continuum://${b.realm}/echo/e`)
  const text = "x".repeat(64)
  const ask = async () => check("The length of a reply", (await Effect.runPromise(echo.echo({ text }))).length, 64)
  yield* Effect.promise(async () => {
    // So much code is compiled late.
    for (let i = 0; i < (quick ? 10 : 5_000); i++) await ask()
    await measure("ask", async (operations) => {
      for (let i = 0; i < operations; i++) await ask()
    })
  })
  let next = 0
  yield* Effect.promise(() =>
    measure("content", async (operations) => {
      for (let i = 0; i < operations; i++) {
        const bytes = new Uint8Array(bulkBytes).fill(++next & 255)
        new DataView(bytes.buffer).setUint32(0, next)
        const id = ContentId.of(bytes)
        await Effect.runPromise(b.store.put(bytes))
        await Effect.runPromise(a.routing.fetch(id, { hint: b.key }))
        await Effect.runPromise(a.store.remove(id))
        await Effect.runPromise(b.store.remove(id))
      }
    })
  )
})
