/**
 * The words of the command line in the one order that the parser knows. `jit run` becomes `jit/run`, `help jit/run`
 * becomes `jit/run --help`. Everything else is passed on untouched.
 */
import * as GlobalFlags from "./GlobalFlags.ts"

export interface Arguments {
  readonly words: ReadonlyArray<string>
  /** The command, whether it exists or not. Absent when only flags were given. */
  readonly command?: string
  /** A noun that stands alone, such as `jit`: the commands that begin with it are all there is to say. */
  readonly noun?: string
}

/** `commands` are the names that exist, such as `status` and `jit/run`. */
export const normalize = (argv: ReadonlyArray<string>, commands: ReadonlyArray<string>): Arguments => {
  const words = argv.map((word, i) =>
    // The parser would take a following `1`, `on` or `no` as the value of a switch.
    word === "--json" && !argv.slice(0, i).includes("--") ? "--json=true" : word
  )
  const first = commandIndex(words)
  if (words[first] === "help") {
    const rest = [...words.slice(0, first), ...words.slice(first + 1)]
    return normalize([...rest, "--help"], commands)
  }
  const noun = words[first]
  if (noun === undefined) return { words }
  if (!isNoun(noun, commands)) return { words, command: noun }
  const verb = words[first + 1]
  return verb === undefined || verb.startsWith("-")
    ? { words: [...words.slice(0, first), ...words.slice(first + 1)], noun }
    : { words: [...words.slice(0, first), `${noun}/${verb}`, ...words.slice(first + 2)], command: `${noun}/${verb}` }
}

/** Whether the last word on it wins or not, one `--json` before `--` makes all output JSON, that of errors too. */
export const wantsJson = (argv: ReadonlyArray<string>): boolean => {
  const end = argv.indexOf("--")
  return argv.slice(0, end === -1 ? undefined : end).some((word) => word === "--json" || word === "--json=true")
}

/** The commands that begin with a noun. */
export const commandsOf = (noun: string, commands: ReadonlyArray<string>): ReadonlyArray<string> =>
  commands.filter((command) => command.startsWith(`${noun}/`))

const isNoun = (word: string, commands: ReadonlyArray<string>): boolean => commandsOf(word, commands).length > 0

/** Where the command's name is: the first word that is no flag and no value of one. */
const commandIndex = (words: ReadonlyArray<string>): number => {
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (!word.startsWith("-")) return i
    if (word === "--") return words.length
    if (GlobalFlags.valued.includes(word)) i++
  }
  return words.length
}
