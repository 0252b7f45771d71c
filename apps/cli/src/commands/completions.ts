/**
 * Completion scripts for shells, generated from the commands themselves.
 */
import { Effect } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Completions from "effect/cli/Completions"
import * as Output from "../Output.ts"

/** How each shell is told that `jtag` is completed as `continuum` is, and where the script belongs. */
const shells = {
  bash: {
    alias: "complete -F _continuum jtag",
    install: 'eval "$(./jtag completions bash)", for instance in ~/.bashrc'
  },
  zsh: {
    alias: "(( $+functions[compdef] )) && compdef _continuum jtag",
    install: './jtag completions zsh > "${fpath[1]}/_continuum"'
  },
  fish: {
    alias: "complete --command jtag --wraps continuum",
    install: "./jtag completions fish > ~/.config/fish/completions/continuum.fish"
  }
} as const

type Shell = keyof typeof shells

/** The script for a shell. `root` has all commands below it. */
const script = (root: Command.Command.Any, shell: Shell): string => {
  const described = Completions.fromCommand(root)
  const generated = Completions.generate("continuum", shell, {
    ...described,
    flags: [...described.flags, ...globalFlags],
    subcommands: described.subcommands.map((command) => ({
      ...command,
      flags: [...command.flags, ...globalFlags]
    }))
  })
  const { alias, install } = shells[shell]
  // The generator's own advice names a flag that this CLI does not have, and it knows one name of the program.
  const lines = generated
    .replace("#compdef continuum\n", "#compdef continuum jtag\n")
    .split("\n")
    .filter((line) => !/^#\s+then add /.test(line))
    .map((line) => (/^#\s+continuum --completions/.test(line) ? `#   ${install}` : line))
  return [...lines, alias, ""].join("\n")
}

/** The flags of every command are no part of the command tree. */
export const globalFlags: ReadonlyArray<Completions.FlagDescriptor> = [
  { name: "json", aliases: [], description: "Print one JSON document", type: { _tag: "Boolean" }, negation: false },
  { name: "node", aliases: [], description: "The node to talk to", type: { _tag: "String" } },
  {
    name: "home",
    aliases: [],
    description: "The node's data folder",
    type: { _tag: "Path", pathType: "directory" }
  },
  { name: "help", aliases: ["h"], description: "Show help", type: { _tag: "Boolean" }, negation: false }
]

/** The command, for the tree that `root` gives once it is complete. */
export const make = (root: () => Command.Command.Any) =>
  Command.make(
    "completions",
    {
      shell: Argument.Literals("SHELL", ["bash", "zsh", "fish"]).pipe(Argument.withDescription("bash, zsh or fish"))
    },
    ({ shell }) =>
      Effect.suspend(() => {
        const text = script(root(), shell)
        return Output.result({ shell, script: text }, () => text.trimEnd())
      })
  ).pipe(Command.withDescription("A completion script for bash, zsh or fish"))
