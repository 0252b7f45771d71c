/**
 * Peers: the nodes that this one knows, and what they may do here.
 */
import { Action, type Peer } from "@continuum/core/PeerDirectory"
import { Effect, Option, Schema } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { UsageWrong } from "../CliError.ts"
import * as NodeConnection from "../NodeConnection.ts"
import * as Output from "../Output.ts"
import { program } from "../Program.ts"
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
          { head: "MAY", cell: mayOf },
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

/** What it may do here. */
const mayOf = ({ grants }: Peer): string =>
  grants.length === 0 ? "nothing" : grants.length === Action.literals.length ? "all" : grants.join(", ")

const statePaint =
  (style: Style) =>
  (text: string, { connected, grants }: Peer) =>
    connected && grants.length > 0 ? style.green(text) : style.yellow(text)

const grant = Flag.String("grant").pipe(
  Flag.withMetavar("A,B"),
  Flag.optional,
  Flag.withDescription(`What it may do here: ${Action.literals.join(", ")} (default: all of it)`)
)

const add = Command.make("peers/add", { peer, grant }, ({ grant, peer }) =>
  Effect.gen(function* () {
    const actions = yield* actionsOf(grant)
    const added = yield* NodeConnection.use((node) => node["peers.add"]({ peer, ...actions })).pipe(
      Output.whileBusy("connecting...")
    )
    const { publicKey } = yield* NodeConnection.useQuick((node) => node["node.status"]())
    yield* Output.result(added, () => addedText(added, publicKey))
  })
).pipe(
  Command.withDescription("Connect to a node and let it use this one: its actors, functions and content"),
  Command.withExamples([{ command: `${program} peers/add 127.0.0.1:3001` }])
)

const isAction = Schema.is(Action)

const actionsOf = (grant: Option.Option<string>) => {
  if (Option.isNone(grant)) return Effect.succeed({})
  const words = grant.value.split(",").map((word) => word.trim())
  const wrong = words.find((word) => !isAction(word))
  return wrong === undefined
    ? Effect.succeed({ grant: words.filter(isAction) })
    : Effect.fail(
        new UsageWrong({
          reason: `--grant knows no action "${wrong}": give one or more of ${Action.literals.join(", ")}, with commas`,
          command: "peers/add"
        })
      )
}

/** Who was added, and what the owner of the other node types to be used from here. */
const addedText = ({ connected, grants, name, publicKey }: Peer, ownKey: string): string => {
  const who = Render.printable(name === "" ? publicKey : `${name} (${publicKey})`)
  const what = grants.length === Action.literals.length ? "use this node" : `do this here: ${grants.join(", ")}`
  return connected
    ? `${who} is connected, and may ${what}. To use it from here, its owner types there:\n\n  ./jtag peers/add ${ownKey}\n`
    : `${who} may ${what}. It cannot be reached now, and is connected as soon as it can`
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
