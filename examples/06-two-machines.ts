/**
 * Two machines: two processes that have nothing in common but a DHT, here a private one on 127.0.0.1. One asks an actor of the other by
 * the line that asks one of its own, reads a stream of it, and sees what happens when the other machine dies.
 *
 * On two real machines leave out `bootstrap`: the public DHT finds them, also behind routers.
 */
import { Actor, ActorSystem } from "@continuum/actors"
import { Delivery } from "@continuum/core/Delivery"
import { generate, type PublicKey } from "@continuum/core/Identity"
import * as GrantStore from "@continuum/mesh/GrantStore"
import { Mesh } from "@continuum/mesh/Mesh"
import * as MeshTransport from "@continuum/mesh/MeshTransport"
import * as Testnet from "@continuum/mesh/testing/Testnet"
import { Context, Effect, Layer, Schedule, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import process from "node:process"

class CounterRpcs extends RpcGroup.make(
  Rpc.make("add", { payload: Schema.Int, success: Schema.Int }),
  Rpc.make("countTo", { payload: Schema.Int, success: Schema.Int, stream: true })
) {}
const Counter = Actor.fromRpcs("counter", CounterRpcs, {
  state: { schema: Schema.Int, initial: 0 },
  handlers: {
    add: (count, n) => count + n,
    countTo: (count, to) => Actor.reply(count, Stream.range(1, to))
  }
})

/** One machine: a mesh, and a system of actors whose messages go through it. */
const startNode = Effect.fn("startNode")(function* (name: string, bootstrap: ReadonlyArray<string>) {
  const identity = yield* generate
  const mesh = Mesh.layer({ identity, name, networkId: new Uint8Array(32), announce: false }).pipe(
    Layer.provide([MeshTransport.layer({ keyPair: identity.node, bootstrap }), GrantStore.layerMemory])
  )
  const node = yield* Layer.build(mesh)
  const delivery = Context.get(node, Delivery)
  const actors = yield* Layer.build(ActorSystem.layerWithoutStorage({ nodeName: name, delivery }))
  return { mesh: Context.get(node, Mesh), system: Context.get(actors, ActorSystem) }
})

const soon = { schedule: Schedule.spaced("100 millis"), times: 100 }

/** The other machine: has the counter, and lets whoever started it ask. */
const bee = Effect.fn("bee")(function* (friend: string, bootstrap: ReadonlyArray<string>) {
  const { mesh, system } = yield* startNode("bee", bootstrap)
  yield* system.register(Counter)
  yield* Effect.retry(mesh.add(friend as PublicKey), soon)
  console.log(mesh.publicKey)
  return yield* Effect.never
})

const startOther = (args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const program = fileURLToPath(import.meta.url)
      const runtime = "Deno" in globalThis ? ["run", "-A", "--no-check"] : []
      return spawn(process.execPath, [...runtime, program, ...args], { stdio: ["ignore", "pipe", "inherit"] })
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const ant = Effect.gen(function* () {
  const { bootstrap } = yield* Testnet.make()
  const { mesh, system } = yield* startNode("ant", bootstrap)
  const other = yield* startOther([mesh.publicKey, ...bootstrap])
  const key = yield* Effect.promise(async () => {
    for await (const line of createInterface(other.stdout)) return line
    throw new Error("the other process ended before it was ready")
  })
  yield* Effect.retry(mesh.add(key as PublicKey), soon)
  console.log(`two processes: ${other.pid !== process.pid}`)

  const counter = system.at(Counter, "continuum://bee/counter/shared")
  console.log("bee counts:", yield* counter.add(40), yield* counter.add(2))
  console.log("bee streams:", (yield* Stream.runCollect(counter.countTo(5))).join(" "))
  const wrong = yield* Effect.flip(counter.add("two" as never))
  console.log("a wrong payload:", wrong._tag)

  other.kill("SIGKILL")
  const gone = yield* Effect.flip(Effect.forever(counter.add(1)))
  console.log("bee is gone:", gone._tag === "TransportLost" || gone._tag === "PeerUnreachable")
})

const [friend, ...bootstrap] = process.argv.slice(2)
await Effect.runPromise(Effect.scoped(friend === undefined ? ant : bee(friend, bootstrap)))
