/** Our transport: whole messages with credit. The argument is what runs sidecars where there are any. */
import { generate } from "@continuum/core/Identity"
import { type Connection, Transport } from "@continuum/core/Transport"
import * as MeshTransport from "@continuum/mesh/MeshTransport"
import * as SidecarTransport from "@continuum/mesh/SidecarTransport"
import * as Testnet from "@continuum/mesh/testing/Testnet"
import { Context, Effect, Layer, Stream } from "effect"
import process from "node:process"
import { finish, record } from "../Measure.ts"
import * as Asks from "./Asks.ts"
import { runSubject, type Subject } from "./Workload.ts"

const sidecar = process.argv[2] as "bare" | "node"
const settleMs = 1_000
const hasSidecar = "Bun" in globalThis || "Deno" in globalThis

const ready = (transport: Transport["Service"]) =>
  Effect.repeat(
    Effect.delay(
      Effect.map(transport.status, ({ state }) => state === "ready"),
      5
    ),
    { until: (is) => is }
  )
const first = (transport: Transport["Service"]) =>
  Effect.map(Stream.runCollect(Stream.take(transport.connections, 1)), ([connection]) => connection!)

/** The far end sends small messages back and counts large ones. */
const subjectOf = (near: Connection, far: Connection): Subject => {
  let echoed: (bytes: number) => void = () => {}
  let drained: () => void = () => {}
  let counted: () => void = () => {}
  let arrived = 0
  let wanted = 0
  near.listen({ message: (bytes) => echoed(bytes.length), drain: () => drained(), closed: () => {} })
  far.listen({
    message: (bytes) => {
      if (bytes.length < 1_024) far.send(bytes)
      else if ((arrived += bytes.length) >= wanted) counted()
    },
    drain: () => {},
    closed: () => {}
  })
  return {
    echo: (bytes) =>
      new Promise((resolve) => {
        echoed = resolve
        near.send(bytes)
      }),
    bulk: async (chunk, count) => {
      arrived = 0
      wanted = chunk.length * count
      const all = new Promise<void>((resolve) => (counted = resolve))
      for (let i = 0; i < count; i++) if (!near.send(chunk)) await new Promise<void>((resolve) => (drained = resolve))
      await all
      return arrived
    }
  }
}

await Effect.gen(function* () {
  const testnet = yield* Testnet.make()
  const start = Effect.gen(function* () {
    const { node } = yield* generate
    const options = { keyPair: node, bootstrap: testnet.bootstrap, ...(hasSidecar ? { sidecar } : {}) }
    const transport = Context.get(yield* Layer.build(MeshTransport.layer(options)), Transport)
    yield* ready(transport)
    return [node, transport] as const
  })
  const [[, a], [, b]] = yield* Effect.all([start, start], { concurrency: 2 })
  const begin = performance.now()
  yield* a.dial(b.publicKey)
  record({ case: "connect", wallNs: (performance.now() - begin) * 1e6 })
  const [near, far] = yield* Effect.all([first(a), first(b)])
  yield* Effect.promise(() => runSubject(subjectOf(near!, far!)))
  yield* Asks.run(yield* start, yield* start)

  const { node } = yield* generate
  const killed = yield* SidecarTransport.make({ keyPair: node, bootstrap: testnet.bootstrap, sidecar })
  yield* ready(killed.transport)
  yield* killed.transport.keep(a.publicKey)
  let since = 0
  yield* Stream.runForEach(Stream.take(killed.transport.connections, 2), (connection) =>
    Effect.gen(function* () {
      if (since > 0) return record({ case: "reconnect", wallNs: (performance.now() - since) * 1e6 })
      connection.listen({ message: () => {}, drain: () => {}, closed: () => {} })
      // One that was killed before it carried anything is another case: the peer may refuse the next for up to 10 s.
      yield* Effect.sleep(settleMs)
      since = performance.now()
      process.kill(killed.pid(), "SIGKILL")
    })
  )
}).pipe(Effect.scoped, Effect.runPromise)
finish()
