/**
 * A peer for tests between processes: prints its public key and the process id of its sidecar, and sends back whatever it
 * gets. Its argument is the bootstrap address. It ends with its standard input.
 */
import { generate } from "@continuum/core/Identity"
import * as SidecarTransport from "@continuum/mesh/SidecarTransport"
import { Effect, Stream } from "effect"
import process from "node:process"

process.stdin.resume()
process.stdin.on("end", () => process.exit(0))

await Effect.gen(function* () {
  const { node } = yield* generate
  const { pid, transport } = yield* SidecarTransport.make({ keyPair: node, bootstrap: [process.argv[2]!] })
  while ((yield* transport.status).state !== "ready") yield* Effect.sleep(10)
  console.log(JSON.stringify({ publicKey: node.publicKey, sidecar: pid() }))
  yield* Stream.runForEach(transport.connections, (connection) =>
    Effect.sync(() =>
      connection.listen({ message: (bytes) => connection.send(bytes), drain: () => {}, closed: () => {} })
    )
  )
}).pipe(Effect.scoped, Effect.runPromise)
