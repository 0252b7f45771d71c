/**
 * Help as text, from what the commands say of themselves. The same bytes in every runtime.
 */
import { Option } from "effect"
import type { ArgDoc, FlagDoc, HelpDoc, SubcommandGroupDoc } from "effect/cli/HelpDoc"
import { program } from "./Program.ts"
import * as Render from "./Render.ts"
import type { Style } from "./Style.ts"

/** Help for one command, for all, or for those of one noun. */
export const format = (style: Style, doc: HelpDoc, noun?: string): string => {
  const groups = (doc.subcommands ?? []).map((group) => ({
    ...group,
    commands: group.commands.filter(({ name }) => noun === undefined || name.startsWith(`${noun}/`))
  }))
  const isOne = groups.length === 0
  const sections = [
    ...(noun === undefined ? [doc.description] : []),
    `${style.bold("Usage")}\n  ${usage(doc, noun)}`,
    ...groups.filter(({ commands }) => commands.length > 0).map((group) => commandRows(style, group)),
    rows(style, "Arguments", (doc.args ?? []).map(argumentRow)),
    rows(style, "Flags", doc.flags.map(flagRow)),
    rows(style, "Flags of every command", (doc.globalFlags ?? []).map(flagRow)),
    examples(style, doc),
    ...(isOne ? [] : [epilogue(style)])
  ]
  return sections.filter((section) => section !== "").join("\n\n")
}

const usage = (doc: HelpDoc, noun: string | undefined): string => {
  const command = doc.commandPath?.[1]
  if (command === undefined) return `${program} ${noun === undefined ? "COMMAND" : `${noun}/COMMAND`} [flags]`
  const parameters = (doc.args ?? []).map((arg) => (arg.required ? arg.name : `[${arg.name}]`))
  const required = doc.flags.filter((flag) => flag.required).map((flag) => `--${flag.name} ${flag.type}`)
  return [program, command, ...parameters, ...required, "[flags]"].join(" ")
}

const commandRows = (
  style: Style,
  {
    commands,
    group
  }: Omit<SubcommandGroupDoc, "commands"> & { readonly commands: ReadonlyArray<SubcommandGroupDoc["commands"][number]> }
): string =>
  rows(
    style,
    group ?? "Commands",
    commands.map(({ description, name, shortDescription }) => [name, shortDescription ?? description])
  )

const argumentRow = ({ description, name, required }: ArgDoc): readonly [string, string] => [
  name,
  `${Option.getOrElse(description, () => "")}${required ? "" : " (optional)"}`
]

const flagRow = ({ aliases, description, name, type }: FlagDoc): readonly [string, string] => [
  [...aliases, `--${name}`].join(", ") + (type === "boolean" ? "" : ` ${type}`),
  Option.getOrElse(description, () => "")
]

const rows = (style: Style, title: string, pairs: ReadonlyArray<readonly [string, string]>): string => {
  if (pairs.length === 0) return ""
  const widest = Math.max(...pairs.map(([left]) => Render.width(left)))
  const lines = pairs.map(([left, right]) => `  ${left.padEnd(widest)}  ${Render.indentAfterFirst(right, widest + 4)}`)
  return [style.bold(title), ...lines].join("\n")
}

const examples = (style: Style, doc: HelpDoc): string => {
  const lines = (doc.examples ?? []).flatMap(({ command, description }) => [
    ...(description === undefined ? [] : [style.dim(`  # ${description}`)]),
    `  ${command}`
  ])
  return lines.length === 0 ? "" : [style.bold("Examples"), ...lines].join("\n")
}

const epilogue = (style: Style): string =>
  [
    style.bold("Exit codes"),
    "  0 done   1 failed   2 wrong usage   3 no node reachable   4 refused by policy, price or capability",
    "",
    `A command may also be written with a space: jit run. More of one: ${program} help jit/run`
  ].join("\n")
