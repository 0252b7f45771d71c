/**
 * What a transport must do alike on Bun, Deno and Node: its laws, in this process where Hyperswarm can be loaded and by a
 * sidecar where not.
 */
import { laws, World } from "@continuum/core/testing/TransportLaws"
import * as HyperswarmTransport from "@continuum/mesh/HyperswarmTransport"
import * as SidecarTransport from "@continuum/mesh/SidecarTransport"
import * as Testnet from "@continuum/mesh/testing/Testnet"
import { Effect, Layer } from "effect"
import process from "node:process"
import { check, report } from "../../../core/test/Conformance.ts"

const testnet = await Testnet.start()

const start: World["Service"]["start"] = (keyPair) =>
  Effect.map(SidecarTransport.make({ keyPair, bootstrap: testnet.bootstrap }), ({ pid, transport }) => ({
    transport,
    kill: Effect.sync(() => process.kill(pid(), "SIGKILL"))
  }))
const bySidecar = Layer.succeed(World, { start })
const inProcess = Layer.succeed(World, {
  start: (keyPair) =>
    Effect.map(HyperswarmTransport.make({ keyPair, bootstrap: testnet.bootstrap }), (transport) => ({
      transport,
      kill: Effect.die("a node in this process cannot be killed alone")
    }))
})

for (const law of laws) {
  // Who is killed must be a process of its own.
  const world = HyperswarmTransport.isPossible && !law.name.includes("killed") ? inProcess : bySidecar
  await check(law.name, () => Effect.runPromise(Effect.provide(law.check, world)))
}

await testnet.stop()
report()
