/**
 * Functions: from source to a module, and from an input to an output.
 */
import * as ContentId from "@continuum/core/ContentId"
import type { CompileReport, Compiled, RunResult, Source } from "@continuum/runtime-wasm/rpc"
import { Effect, Option } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { UsageWrong } from "../CliError.ts"
import * as FileInput from "../FileInput.ts"
import * as JsonInput from "../JsonInput.ts"
import * as NodeConnection from "../NodeConnection.ts"
import * as Output from "../Output.ts"
import { program } from "../Program.ts"
import * as Render from "../Render.ts"
import type { Style } from "../Style.ts"
import * as MeshFlag from "../MeshFlag.ts"

const lang = Flag.String("lang").pipe(
  Flag.withMetavar("L"),
  Flag.withDescription("The language of the source, such as js, wat or wasm (status lists what the node compiles)")
)
const source = Flag.String("source").pipe(
  Flag.withMetavar("S"),
  Flag.optional,
  Flag.withDescription("The source itself, such as '(input) => input * 2'")
)
const file = Flag.String("file").pipe(
  Flag.withMetavar("F"),
  Flag.optional,
  Flag.withDescription("A file with the source; - reads it from stdin")
)
const name = Flag.String("name").pipe(
  Flag.withMetavar("NAME"),
  Flag.optional,
  Flag.withDescription("A name for modules/list")
)
const version = Flag.String("version").pipe(
  Flag.withMetavar("V"),
  Flag.optional,
  Flag.withDescription("A version for modules/list")
)

interface SourceFlags {
  readonly source: Option.Option<string>
  readonly file: Option.Option<string>
}

/** The source from the one of both flags that was given. A binary stays bytes. */
const readSource = Effect.fnUntraced(function* (command: string, lang: string, { file, source }: SourceFlags) {
  if (Option.isSome(source) === Option.isSome(file)) {
    const reason = Option.isSome(source)
      ? "has --source and --file: give one"
      : "needs its source: --source S or --file F"
    return yield* new UsageWrong({ command, reason: `${command} ${reason}` })
  }
  if (Option.isSome(source)) return { lang, source: source.value } satisfies Source
  const bytes = yield* FileInput.read(Option.getOrThrow(file))
  return { lang, source: lang === "wasm" ? bytes : new TextDecoder().decode(bytes) } satisfies Source
})

const present = (options: Readonly<Record<string, Option.Option<unknown>>>): object =>
  Object.fromEntries(
    Object.entries(options).flatMap(([key, option]) => (Option.isSome(option) ? [[key, option.value]] : []))
  )

const compile = Command.make(
  "jit/compile",
  {
    lang,
    source,
    file,
    name,
    version,
    sample: Flag.String("sample").pipe(
      Flag.withMetavar("JSON"),
      Flag.optional,
      Flag.withDescription("An input as it will come, from which js takes its types")
    )
  },
  ({ file, lang, name, sample, source, version }) =>
    Effect.gen(function* () {
      const read = yield* readSource("jit/compile", lang, { file, source })
      const sampleValue = yield* Effect.transposeOption(Option.map(sample, (text) => JsonInput.parse("--sample", text)))
      const payload = { ...read, ...present({ name, version, sample: sampleValue }) }
      const compiled = yield* NodeConnection.use((node) => node["jit.compile"](payload)).pipe(
        Output.whileBusy("compiling...")
      )
      yield* Output.result(compiled, (style) => compiledText(style, compiled))
    })
).pipe(
  Command.withDescription("Compile a function to a module that any node can run by its content id"),
  Command.withExamples([{ command: `${program} jit/compile --lang js --source '(input) => input * 2' --sample 21` }])
)

const compiledText = (style: Style, { bytes, compiledBy, contentId, lang, ms, report }: Compiled): string =>
  Render.fields(style, [
    ["content id", contentId],
    ["size", Render.bytes(bytes)],
    ["language", lang],
    ["compiled by", `${compiledBy} in ${Render.milliseconds(ms)}`],
    ...reportFields(report)
  ])

const reportFields = (report: CompileReport): ReadonlyArray<readonly [string, string | undefined]> => [
  ["signature", report.signature],
  ["tier", report.tier],
  ["tested on", report.tested > 0 ? `${Render.count(report.tested)} inputs` : undefined],
  ["because", report.reason]
]

const run = Command.make(
  "jit/run",
  {
    contentId: Argument.String("CONTENT_ID").pipe(
      Argument.optional,
      Argument.withDescription("A module, as jit/compile and modules/list name it; or give --lang and a source")
    ),
    lang: Flag.optional(lang),
    source,
    file,
    input: Flag.String("input").pipe(Flag.withMetavar("JSON"), Flag.withDescription("The input of the function")),
    mesh: MeshFlag.make("Where to run it"),
    name,
    version,
    fuel: Flag.Int("fuel").pipe(
      Flag.withMetavar("N"),
      Flag.filter(
        (fuel) => fuel > 0,
        () => "a number above 0"
      ),
      Flag.optional,
      Flag.withDescription("How many instructions it may execute")
    ),
    timeout: Flag.Int("timeout").pipe(
      Flag.withMetavar("MS"),
      Flag.filter(
        (timeout) => timeout > 0,
        () => "a number above 0"
      ),
      Flag.optional,
      Flag.withDescription("How many milliseconds it may take")
    )
  },
  ({ contentId, file, fuel, input, lang, mesh, name, source, timeout, version }) =>
    Effect.gen(function* () {
      const inputValue = yield* JsonInput.parse("--input", input)
      const target = yield* readTarget(contentId, lang, { file, source }, present({ name, version }))
      const payload = { target, input: inputValue, ...present({ mesh, fuelMax: fuel, timeoutMs: timeout }) }
      const ran = yield* NodeConnection.use((node) => node["jit.run"](payload)).pipe(
        Output.whileBusy(Option.isSome(contentId) ? "running..." : "compiling and running...")
      )
      yield* Output.result(ran, () => Render.value(ran.output))
      yield* Output.detail((style) => style.dim(ranText(ran, Option.isSome(mesh))))
    })
).pipe(
  Command.withDescription("Run a function: a module by its content id, or a source, compiled when it is new"),
  Command.withExamples([{ command: `${program} jit/run --lang js --source '(input) => input * 2' --input 21` }])
)

/** What to run: either a content id or a source, not both. */
const readTarget = Effect.fnUntraced(function* (
  contentId: Option.Option<string>,
  lang: Option.Option<string>,
  flags: SourceFlags,
  named: object
) {
  const command = "jit/run"
  if (Option.isSome(contentId)) {
    if ([lang, flags.source, flags.file].some(Option.isSome)) {
      return yield* new UsageWrong({ command, reason: `${command} has a CONTENT_ID and a source: give one of them` })
    }
    return { contentId: yield* ContentId.parse(contentId.value) }
  }
  if (Option.isNone(lang)) {
    return yield* new UsageWrong({
      command,
      reason: `${command} needs a CONTENT_ID, or --lang L and --source S or --file F`
    })
  }
  return { ...(yield* readSource(command, lang.value, flags)), ...named }
})

/** Of a node that was named the key as well: names are not unique. */
const ranText = ({ cache, contentId, fuel, ms, node, nodeKey, report }: RunResult, isNamed: boolean): string =>
  [
    contentId,
    `on ${Render.printable(isNamed ? `${node} (${nodeKey})` : node)}`,
    `fuel ${Render.count(fuel)}`,
    Render.milliseconds(ms),
    `cache ${cache}`,
    `tier ${report.tier}${report.reason === undefined ? "" : ` (${Render.printable(report.reason)})`}`
  ].join("  ")

export const commands = [compile, run] as const
