/** An actor of another node, asked through its remote ref. */
import { fromRpcs, reply } from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { Context, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Hub, type Node, start } from "../../packages/mesh/test/support/Hub.ts"
import { finish, quick } from "../Measure.ts"
import { runEcho, textLength } from "./Workload.ts"

class Rpcs extends RpcGroup.make(Rpc.make("echo", { payload: { text: Schema.String }, success: Schema.String })) {}
const Echo = fromRpcs("echo", Rpcs, {
  state: { schema: Schema.Null, initial: null },
  handlers: { echo: (state, { text }) => reply(state, text) }
})

const systemOn = (node: Node) =>
  Effect.map(Layer.build(ActorSystem.layerWithoutStorage({ freeze: false, delivery: node.delivery })), (context) =>
    Context.get(context, ActorSystem)
  )

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const hub = new Hub()
      const [a, b] = [yield* start(hub, 1), yield* start(hub, 2)]
      yield* a.mesh.add(b.key)
      yield* b.mesh.add(a.key)
      const [here, there] = [yield* systemOn(a), yield* systemOn(b)]
      yield* there.register(Echo)
      const echo = here.at(Echo, `continuum://${b.realm}/echo/e`)
      const ask = (text: string) => Effect.runPromise(echo.echo({ text }))
      // So much code is compiled late: after the usual warm-up of 3,000 asks each costs two to three times what it costs
      // after 30,000 (measured on Bun).
      yield* Effect.promise(async () => {
        for (let i = 0; i < (quick ? 10 : 40_000); i++) await ask("x".repeat(textLength))
      })
      yield* Effect.promise(() => runEcho(ask))
    })
  )
)
finish()
