/**
 * All commands, as the parser and the help know them.
 */
import { Effect } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Completions from "effect/cli/Completions"
import * as actors from "./commands/actors.ts"
import * as ai from "./commands/ai.ts"
import * as completions from "./commands/completions.ts"
import * as jit from "./commands/jit.ts"
import * as modules from "./commands/modules.ts"
import * as node from "./commands/node.ts"
import * as peers from "./commands/peers.ts"
import * as scheduler from "./commands/scheduler.ts"
import * as GlobalFlags from "./GlobalFlags.ts"

/** Listed for the help; `Arguments.normalize` has turned it into `--help` before anything is parsed. */
const help = Command.make(
  "help",
  { command: Argument.String("COMMAND").pipe(Argument.optional, Argument.withDescription("The command to explain")) },
  () => Effect.void
).pipe(Command.withDescription("Help for a command, or for all"))

export const root = Command.make("continuum").pipe(
  Command.withDescription("Talks to a Continuum node: its actors, its functions, its personas, its peers."),
  Command.withSubcommands([
    { group: "Node", commands: node.commands },
    { group: "Actors", commands: [...actors.commands, ...scheduler.commands] },
    { group: "Functions and modules", commands: [...jit.commands, ...modules.commands] },
    { group: "Personas and layers", commands: [...ai.commands] },
    { group: "Mesh", commands: peers.commands },
    { group: "This program", commands: [completions.make((): Command.Command.Any => root), help] }
  ]),
  Command.withGlobalFlags(GlobalFlags.all)
)

/** The flags that a command takes, with their dashes. */
export const flagsOf = (command: string): ReadonlyArray<string> => {
  const { subcommands } = Completions.fromCommand(root)
  const own = subcommands.find(({ name }) => name === command)?.flags ?? []
  return [...own, ...completions.globalFlags].map(({ name }) => `--${name}`)
}

/** Their names, such as `status` and `jit/run`. */
export const names: ReadonlyArray<string> = root.subcommands.flatMap(({ commands }) => commands.map(({ name }) => name))
