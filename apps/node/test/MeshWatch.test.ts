import { PeerUnreachable, Transport } from "@continuum/core/Transport"
import { describe, expect, it } from "@effect/vitest"
import { Effect, References, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as MeshWatch from "../src/MeshWatch.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** A transport that is ready once it is started, listens at a port and finds `silent` addresses silent. */
const network = (listening: string, silent: Set<string>) => {
  const asked: Array<string> = []
  let ready = false
  const transport = Transport.of({
    publicKey: "y".repeat(52) as Transport["Service"]["publicKey"],
    connections: Stream.never,
    dial: () => Effect.void,
    keep: () => Effect.void,
    join: () => Effect.void,
    contact: (address) => {
      asked.push(address)
      return silent.has(address)
        ? Effect.fail(new PeerUnreachable({ peer: address, reason: "no node answers there" }))
        : Effect.succeed(address)
    },
    status: Effect.sync(() => ({
      kind: "test",
      state: ready ? ("ready" as const) : ("starting" as const),
      listening: ready ? listening : undefined,
      bootstrap: [],
      connections: 0,
      restarts: 0,
      problem: undefined
    }))
  })
  return { transport, asked, start: () => void (ready = true) }
}

describe("what keeps others from a node is named:", () => {
  it.effect("each node of --bootstrap that does not answer, until it does", () =>
    Effect.gen(function* () {
      const silent = new Set(["10.0.0.1:9", "nohost.invalid:3000"])
      const { asked, start, transport } = network("127.0.0.1:3000", silent)
      const bootstrap = ["10.0.0.1:9", "10.0.0.2:3000", "nohost.invalid:3000"]
      const problems = yield* MeshWatch.make(transport, { bootstrap, port: 3_000 })
      yield* TestClock.adjust("5 seconds")
      expect(asked).toEqual([])
      start()
      yield* TestClock.adjust("1 second")
      expect(yield* problems).toEqual([
        "10.0.0.1:9, which --bootstrap names, cannot be reached: no node answers there",
        "nohost.invalid:3000, which --bootstrap names, cannot be reached: no node answers there"
      ])
      silent.clear()
      yield* TestClock.adjust("1 minute")
      expect(yield* problems).toEqual([])
      expect(asked.length).toBe(6)
    }).pipe(quiet)
  )

  it.effect("the UDP port that it has in place of the one of its URL, unless any was fine", () =>
    Effect.gen(function* () {
      const { start, transport } = network("0.0.0.0:60344", new Set())
      start()
      const problems = yield* MeshWatch.make(transport, { bootstrap: [], port: 3_200 })
      const none = yield* MeshWatch.make(transport, { bootstrap: [], port: 0 })
      yield* TestClock.adjust("1 second")
      expect(yield* problems).toEqual([
        "UDP port 3200 was taken, so others reach this node at UDP port 60344 and not at that of its URL: " +
          "free it, or start with another --port"
      ])
      expect(yield* none).toEqual([])
    }).pipe(quiet)
  )
})
