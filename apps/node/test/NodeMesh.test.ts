import { ActorSystem } from "@continuum/actors/ActorSystem"
import { encodePublicKey } from "@continuum/core/Identity"
import { type Peer, PeerDirectory } from "@continuum/core/PeerDirectory"
import { PeerUnreachable } from "@continuum/core/Transport"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Logger, Queue, References, Stream } from "effect"
import * as NodeMesh from "../src/NodeMesh.ts"

const peerOf = (seed: number, connected: boolean, grants: Peer["grants"]): Peer => ({
  publicKey: encodePublicKey(new Uint8Array(32).fill(seed)),
  name: `node-${seed}`,
  address: "127.0.0.1:1",
  rttMs: null,
  connected,
  capabilities: [],
  scope: "mesh",
  grants
})

describe("who comes and goes", () => {
  it.effect("is in the log when it holds a grant; a stranger who dials again and again does not fill it", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${message}`))
    return Effect.gen(function* () {
      const changes = yield* Queue.unbounded<Peer>()
      const directory = Layer.succeed(PeerDirectory, {
        peers: Effect.succeed([]),
        find: (peer) => Effect.fail(new PeerUnreachable({ peer, reason: "nobody has this name" })),
        isGranted: () => false,
        changes: Stream.fromQueue(changes)
      })
      yield* Layer.build(
        NodeMesh.layerService.pipe(Layer.provide(ActorSystem.layerWithoutStorage()), Layer.provide(directory))
      )
      for (let i = 0; i < 50; i++)
        for (const connected of [true, false]) yield* Queue.offer(changes, peerOf(1, connected, []))
      for (const connected of [true, false]) yield* Queue.offer(changes, peerOf(2, connected, ["actors.ask"]))
      while (!lines.some((line) => line.includes("is gone: node-2")))
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 2)))
      expect(lines.filter((line) => !line.startsWith("Debug "))).toEqual([
        "Info A peer is connected: node-2",
        "Info A peer is gone: node-2"
      ])
      // Whoever looks for it sees each of them.
      expect(lines.filter((line) => line === "Debug A stranger is connected: node-1")).toHaveLength(50)
    }).pipe(Effect.provide(Logger.layer([logger])), Effect.provideService(References.MinimumLogLevel, "Debug"))
  })
})
