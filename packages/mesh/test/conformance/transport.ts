/**
 * What a transport must do alike on Bun, Deno and Node: its laws, in this process where Hyperswarm can be loaded and by a
 * sidecar where not.
 */
import { laws, type NodeOptions, World } from "@continuum/core/testing/TransportLaws"
import { generate } from "@continuum/core/Identity"
import { Transport } from "@continuum/core/Transport"
import * as HyperswarmTransport from "@continuum/mesh/HyperswarmTransport"
import * as MeshTransport from "@continuum/mesh/MeshTransport"
import * as SidecarTransport from "@continuum/mesh/SidecarTransport"
import * as Testnet from "@continuum/mesh/testing/Testnet"
import { Context, Effect, Layer, Stream } from "effect"
import process from "node:process"
import { check, report } from "../../../core/test/Conformance.ts"
import * as EchoPeer from "../support/EchoPeer.ts"

const testnet = await Testnet.start()

const settingsOf = ({ alone, impatient }: NodeOptions = {}) => ({
  bootstrap: alone === true ? [] : testnet.bootstrap,
  ...(impatient === true ? { silenceMsMax: 2_000 } : {})
})
const start: World["Service"]["start"] = (keyPair, options) =>
  Effect.map(SidecarTransport.make({ keyPair, ...settingsOf(options) }), ({ pid, transport }) => ({
    transport,
    kill: Effect.sync(() => process.kill(pid(), "SIGKILL"))
  }))
const bySidecar = Layer.succeed(World, { start })
const inProcess = Layer.succeed(World, {
  start: (keyPair, options) =>
    Effect.map(HyperswarmTransport.make({ keyPair, ...settingsOf(options) }), (transport) => ({
      transport,
      kill: Effect.die("a node in this process cannot be killed alone")
    }))
})

// Laws wait more than they work; with more at a time, sidecars fill the memory of a small machine.
const lawsAtOnce = 4
const waiting = [...laws]
await Promise.all(
  Array.from({ length: lawsAtOnce }, async () => {
    for (let law = waiting.shift(); law !== undefined; law = waiting.shift()) {
      const { check: holds, name } = law
      // Who is killed must be a process of its own.
      const world = HyperswarmTransport.isPossible && !name.includes("killed") ? inProcess : bySidecar
      await check(name, () => Effect.runPromise(Effect.provide(holds, world)))
    }
  })
)

await check("a process on Bun and this one talk, by sidecar there and by what this runtime has here", async () => {
  const peer = await EchoPeer.start(process.cwd(), testnet.bootstrap[0]!)
  const talk = Effect.gen(function* () {
    const { node } = yield* generate
    const options = { keyPair: node, bootstrap: testnet.bootstrap }
    const transport = yield* Effect.map(Layer.build(MeshTransport.layer(options)), Context.get(Transport))
    yield* transport.dial(peer.publicKey)
    const [connection] = yield* Stream.runCollect(Stream.take(transport.connections, 1))
    const bytes = new Uint8Array(3_000_000).map((_, at) => at * 7)
    const echo = yield* Effect.callback<Uint8Array>((resume) => {
      connection!.listen({
        message: (bytes) => resume(Effect.succeed(bytes.slice())),
        drain: () => {},
        closed: () => resume(Effect.die("the connection was closed"))
      })
      connection!.send(bytes)
    })
    return [connection!.peer === peer.publicKey, echo.length, echo.every((byte, at) => byte === bytes[at])]
  })
  const found = await Effect.runPromise(Effect.scoped(talk))
  await peer.stop()
  return found.join() === "true,3000000,true"
})

await testnet.stop()
report()
