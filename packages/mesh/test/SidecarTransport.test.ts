import { laws, World } from "@continuum/core/testing/TransportLaws"
import { describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import process from "node:process"
import { afterAll, beforeAll } from "vitest"
import * as SidecarTransport from "../src/SidecarTransport.ts"
import * as Testnet from "../src/testing/Testnet.ts"

let testnet: Testnet.Testnet
beforeAll(async () => {
  testnet = await Testnet.start()
})
afterAll(() => testnet.stop())

for (const sidecar of ["bare", "node"] as const) {
  const world = Layer.succeed(World, {
    start: (keyPair, { alone = false, impatient = false } = {}) =>
      Effect.map(
        SidecarTransport.make({
          keyPair,
          sidecar,
          bootstrap: alone ? [] : testnet.bootstrap,
          ...(impatient ? { silenceMsMax: 2_000 } : {})
        }),
        ({ pid, transport }) => ({
          transport,
          kill: Effect.sync(() => process.kill(pid(), "SIGKILL"))
        })
      )
  })
  describe.concurrent(`a sidecar on ${sidecar}`, () => {
    for (const { name, check } of laws) it.live(name, () => Effect.provide(check, world))
  })
}
