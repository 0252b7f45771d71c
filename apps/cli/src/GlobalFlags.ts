/**
 * The flags that every command takes, before or after its name.
 */
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"

export const Json = GlobalFlag.Setting("json")({
  flag: Flag.Boolean("json").pipe(
    Flag.withoutNegation,
    Flag.withDefault(false),
    Flag.withDescription("Print one JSON document on stdout and nothing else there; errors as JSON on stderr")
  )
})

export const NodeUrl = GlobalFlag.Setting("node")({
  flag: Flag.String("node").pipe(
    Flag.withMetavar("URL"),
    Flag.optional,
    Flag.withDescription("The node to talk to (or CONTINUUM_NODE; default: the one that <home>/node.json names)")
  )
})

export const Home = GlobalFlag.Setting("home")({
  flag: Flag.String("home").pipe(
    Flag.withMetavar("DIR"),
    Flag.optional,
    Flag.withDescription("The node's data folder, with its key (or CONTINUUM_HOME; default: ~/.continuum)")
  )
})

export const all = [Json, NodeUrl, Home] as const
/** Those that take the next word as their value. */
export const valued: ReadonlyArray<string> = ["--node", "--home"]
