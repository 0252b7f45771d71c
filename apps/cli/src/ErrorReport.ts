/**
 * How a failure is told: on stderr, what is wrong and what to do, or as one JSON document with `--json`.
 */
import * as Nearest from "@continuum/core/Nearest"
import { Cause } from "effect"
import { type CliError as ParseError, isCliError as isParseError } from "effect/cli/CliError"
import * as ExitCode from "./ExitCode.ts"
import { program } from "./Program.ts"
import * as Render from "./Render.ts"
import type { Style } from "./Style.ts"

/** What a failure comes down to. */
export interface Report {
  readonly tag: string
  readonly message: string
  /** What to do about it, where the message does not say. */
  readonly hint?: string
  readonly exitCode: number
  /** The error's own fields. */
  readonly data: object
}

/** Names that exist, to find what was meant. */
export interface Vocabulary {
  readonly commands: ReadonlyArray<string>
  /** Flags of a command with their dashes. */
  readonly flagsOf: (command: string) => ReadonlyArray<string>
}

/** The report of an expected failure. Where a command line is wrong in several ways, the first is told. */
export const of = (error: { readonly _tag: string; readonly message: string }, vocabulary: Vocabulary): Report => {
  if (isParseError(error)) {
    return error._tag === "ShowHelp"
      ? ofParseError(error.errors[0] ?? error, error.commandPath[1] ?? "", vocabulary)
      : ofParseError(error, "", vocabulary)
  }
  const hint = hints[error._tag]?.(error as never)
  return {
    tag: error._tag,
    message: error.message,
    ...(hint === undefined ? {} : { hint }),
    exitCode: ExitCode.of(error),
    data: dataOf(error)
  }
}

const howToStart = "Start one with: npm start - or: bun apps/node"

const hints: Readonly<Record<string, (error: { readonly command?: string }) => string | undefined>> = {
  NodeNotRunning: () => howToStart,
  NodeUnreachable: () => howToStart,
  NotANode: () => howToStart,
  UsageWrong: ({ command }) => seeHelp(command ?? "")
}

const seeHelp = (command: string): string => `See: ${program} ${command === "" ? "" : `${command} `}--help`

const ofParseError = (error: ParseError, command: string, vocabulary: Vocabulary): Report => {
  const report = (message: string, meant?: string): Report => ({
    tag: error._tag,
    message: meant === undefined ? message : `${message}. Did you mean ${meant}?`,
    hint: seeHelp(command),
    exitCode: ExitCode.of(error),
    data: meant === undefined ? {} : { nearest: meant }
  })
  const inCommand = command === "" ? "" : ` of ${command}`
  switch (error._tag) {
    case "UnrecognizedOption":
      return report(
        `Unknown flag ${error.option}${inCommand}`,
        Nearest.of(error.option, vocabulary.flagsOf(command))[0]
      )
    case "UnknownSubcommand":
      return report(`Unknown command "${error.subcommand}"`, Nearest.of(error.subcommand, vocabulary.commands)[0])
    case "MissingOption":
      return report(`${command} needs --${error.option}`)
    case "MissingArgument":
      return report(`${command} needs ${error.argument}`)
    case "UnexpectedArgument":
      return report(`${command} takes no further ${error.arguments.map((word) => JSON.stringify(word)).join(" ")}`)
    case "InvalidValue": {
      const name = error.kind === "flag" ? `--${error.option}` : error.option
      return error.value === ""
        ? report(`${name} needs a value`)
        : report(`${name} cannot be "${error.value}"; it must be ${expectation(error.expected)}`)
    }
    default:
      return report(error.message)
  }
}

/** effect/cli's words for what a value should be, in ours. */
const expectation = (expected: string): string =>
  expected
    .replace(/^Expected:? /, "")
    .replace("a string representing a finite number", "a number")
    .replace("an integer", "a whole number")
    .replaceAll('"', "")
    .replaceAll(" | ", ", ")

/** A broken invariant of this program, which nobody should ever see. */
export const ofDefect = (cause: Cause.Cause<unknown>): Report => ({
  tag: "Defect",
  message: `This is a fault of the CLI. Please report it with what follows\n${Cause.pretty(cause)}`,
  exitCode: ExitCode.failed,
  data: {}
})

/** For a person. */
export const text = (style: Style, { hint, message }: Report): string => {
  const lines = Render.indentAfterFirst(Render.printable(message), errorLabel.length)
  return `${style.red(errorLabel)}${lines}\n${hint === undefined ? "" : `${" ".repeat(errorLabel.length)}${hint}\n`}`
}

const errorLabel = "error: "

/** For a program. */
export const json = ({ data, exitCode, hint, message, tag }: Report): string =>
  `${JSON.stringify({ error: { tag, message, ...(hint === undefined ? {} : { hint }), exitCode, ...data } })}\n`

/**
 * The fields of a tagged error. By the names in its schema, because `line` and `column` are properties that JavaScriptCore
 * gives every error, and hides.
 */
const dataOf = (error: object): object => {
  const { fields = {} } = error.constructor as { readonly fields?: object }
  const names = Object.keys(fields).filter((name) => name !== "_tag" && name !== "explanation")
  return Object.fromEntries(names.map((name) => [name, error[name as keyof typeof error]]))
}
