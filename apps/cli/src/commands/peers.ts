/**
 * Peers: the nodes that this one knows, and what they may do here.
 */
import type { Peer } from "@continuum/core/PeerDirectory"
import { Effect } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as NodeConnection from "../NodeConnection.ts"
import * as Output from "../Output.ts"
import * as Render from "../Render.ts"
import type { Style } from "../Style.ts"

const peer = Argument.String("KEY_OR_HOSTPORT").pipe(
  Argument.withDescription("Its public key, the host:port of its URL, or its name in peers/list")
)

const list = Command.make("peers/list", {}, () =>
  Effect.gen(function* () {
    const peers = yield* NodeConnection.useQuick((node) => node["peers.list"]())
    yield* Output.result(peers, (style) =>
      Render.table<Peer>(
        style,
        peers,
        [
          { head: "NAME", cell: ({ name }) => name || "-" },
          { head: "STATE", cell: stateOf, paint: statePaint(style) },
          { head: "RTT", cell: ({ rttMs }) => (rttMs === null ? "-" : Render.milliseconds(rttMs)), align: "right" },
          { head: "ADDRESS", cell: ({ address }) => address || "-" },
          { head: "SCOPE", cell: ({ scope }) => scope },
          { head: "COMPILES", cell: ({ capabilities }) => capabilities.join(", ") || "-" },
          { head: "PUBLIC KEY", cell: ({ publicKey }) => publicKey }
        ],
        "No peers yet. Add one by its public key or the host:port of its URL: peers/add KEY_OR_HOSTPORT"
      )
    )
  })
).pipe(Command.withDescription("The nodes that this one knows, connected ones first"))

/** What a person wants to know first: does it answer, and may it do anything here? */
const stateOf = ({ connected, grants }: Peer): string =>
  grants.length === 0 ? (connected ? "stranger" : "gone") : connected ? "connected" : "away"

const statePaint =
  (style: Style) =>
  (text: string, { connected, grants }: Peer) =>
    connected && grants.length > 0 ? style.green(text) : style.yellow(text)

const add = Command.make("peers/add", { peer }, ({ peer }) =>
  Effect.gen(function* () {
    const added = yield* NodeConnection.use((node) => node["peers.add"]({ peer })).pipe(
      Output.whileBusy("connecting...")
    )
    yield* Output.result(added, () => addedText(added))
  })
).pipe(
  Command.withDescription("Connect to a node and let it use this one: its actors, functions and content"),
  Command.withExamples([{ command: "continuum peers/add 127.0.0.1:3001" }])
)

const addedText = ({ connected, name, publicKey }: Peer): string => {
  const who = Render.printable(name === "" ? publicKey : `${name} (${publicKey})`)
  return connected
    ? `${who} is connected, and may use this node. To use it from here, its owner adds this node's key there`
    : `${who} may use this node. It cannot be reached now, and is connected as soon as it can`
}

const remove = Command.make("peers/remove", { peer }, ({ peer }) =>
  Effect.gen(function* () {
    const removed = yield* NodeConnection.useQuick((node) => node["peers.remove"]({ peer }))
    yield* Output.result(
      removed,
      () => `${Render.printable(removed.name || removed.publicKey)} may do nothing here now`
    )
  })
).pipe(Command.withDescription("Take back what a node was granted"))

export const commands = [list, add, remove] as const
