/** Two nodes in processes of their own that have found each other through a private DHT on loopback, and calls of them. */
import type { Peer } from "@continuum/core/PeerDirectory"
import type { NodeStatus } from "@continuum/core/rpc"
import * as Testnet from "@continuum/mesh/testing/Testnet"
import { Effect } from "effect"
import { join } from "node:path"
import { call, type NodeProcess, start, temporaryFolder } from "./NodeProcess.ts"

/** A call that succeeds; its answer. */
export const done = <A>(node: NodeProcess, tag: string, payload: unknown) =>
  Effect.promise(async () => {
    const { exit, text } = await call(node, tag, payload)
    if (exit?._tag !== "Success") throw new Error(`${tag} ${JSON.stringify(payload)}: ${text}`)
    return exit.value as A
  })
/** A call that fails; the tag of its error. */
export const failed = (node: NodeProcess, tag: string, payload: unknown) =>
  Effect.promise(async () => {
    const { exit, text } = await call(node, tag, payload)
    const error = exit?._tag === "Failure" ? exit.cause[0]?.error : undefined
    if (error === undefined) throw new Error(`${tag} ${JSON.stringify(payload)} did not fail: ${text}`)
    return error as { readonly _tag: string; readonly [field: string]: unknown }
  })

export const peers = (node: NodeProcess) => done<ReadonlyArray<Peer>>(node, "peers.list", null)
export const status = (node: NodeProcess) => done<NodeStatus>(node, "node.status", null)
/** Waits until the node is connected to so many, strangers included. */
export const connectedTo = (node: NodeProcess, count: number) =>
  Effect.gen(function* () {
    while ((yield* peers(node)).filter(({ connected, rttMs }) => connected && rttMs !== null).length !== count)
      yield* Effect.sleep("50 millis")
  })

/** Two nodes that have found each other; with `granted`, each lets the other do everything. */
export const twoNodes = Effect.fnUntraced(function* (granted: boolean, beeFlags: ReadonlyArray<string> = []) {
  const testnet = yield* Testnet.make()
  const bootstrap = ["--bootstrap", testnet.bootstrap.join(",")]
  const folder = yield* temporaryFolder
  const beeHome = join(folder, "bee")
  const startBee = start(beeHome, ["--name", "bee", ...bootstrap, ...beeFlags])
  const [ant, bee] = yield* Effect.all([start(join(folder, "ant"), ["--name", "ant", ...bootstrap]), startBee], {
    concurrency: 2
  })
  yield* connectedTo(ant, 1)
  yield* connectedTo(bee, 1)
  if (granted) {
    yield* done(ant, "peers.add", { peer: "bee" })
    yield* done(bee, "peers.add", { peer: (yield* status(ant)).publicKey })
  }
  return { ant, bee, startBee, folder, bootstrap }
})
