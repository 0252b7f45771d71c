/**
 * Runs one command line: parse, talk to the node, print, exit. Loaded by `index.ts` once it is clear that it can be.
 */
import { version } from "@continuum/core/Version"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit, Layer } from "effect"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Arguments from "./Arguments.ts"
import { UsageWrong } from "./CliError.ts"
import * as Commands from "./Commands.ts"
import * as EnvironmentProcess from "./EnvironmentProcess.ts"
import * as ErrorReport from "./ErrorReport.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Help from "./Help.ts"
import { Output } from "./Output.ts"
import * as OutputProcess from "./OutputProcess.ts"

/** Runs the command line and ends the process with its exit code. */
export const main = (argv: ReadonlyArray<string>): void => {
  const services = Layer.mergeAll(NodeServices.layer, OutputProcess.layer, EnvironmentProcess.layer(argv))
  let exitCode = ExitCode.interrupted
  const program = Effect.tap(run(argv), (code) => Effect.sync(() => (exitCode = code)))
  NodeRuntime.runMain(Effect.provide(program, services), {
    disableErrorReporting: true,
    // All that was written has been taken by the system, so nothing is lost; a socket kept alive would keep us waiting.
    teardown: () => process.exit(exitCode)
  })
}

/** Runs the command line to its exit code. Fails only by interruption. */
export const run = Effect.fnUntraced(function* (argv: ReadonlyArray<string>) {
  const { remark, remarkStyle } = yield* Output
  const exit = yield* Effect.exit(runCommand(Arguments.normalize(argv, Commands.names)))
  if (Exit.isSuccess(exit)) return ExitCode.done
  if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt

  const failure = exit.cause.reasons.find(Cause.isFailReason)?.error
  if (failure?._tag === "OutputClosed" || (failure?._tag === "ShowHelp" && failure.errors.length === 0)) {
    return ExitCode.done
  }
  const report = failure === undefined ? ErrorReport.ofDefect(exit.cause) : ErrorReport.of(failure, vocabulary)
  yield* remark(Arguments.wantsJson(argv) ? ErrorReport.json(report) : ErrorReport.text(remarkStyle, report))
  return report.exitCode
})

const runCommand = Effect.fnUntraced(function* ({ command, noun, words }: Arguments.Arguments) {
  const wantsHelp = words.some((word) => word === "--help" || word === "-h")
  if (noun !== undefined && !wantsHelp) {
    const existing = Arguments.commandsOf(noun, Commands.names).join(", ")
    return yield* new UsageWrong({ command: noun, reason: `"${noun}" is no command by itself. There are: ${existing}` })
  }
  // With --help the parser would answer with the help for all, as if nothing were wrong.
  if (command !== undefined && !Commands.names.includes(command)) {
    return yield* new CliError.UnknownSubcommand({ subcommand: command, suggestions: [] })
  }
  const output = yield* Output
  const presenter: CliOutput.Presenter = {
    present: (event) => {
      switch (event._tag) {
        case "Help":
          return Effect.ignore(output.write(`${Help.format(output.style, event.helpDoc, noun)}\n`))
        case "Version":
          return Effect.ignore(output.write(`${event.name} ${event.version}\n`))
        case "InvalidInvocation":
          return Effect.void
      }
    }
  }
  yield* Command.runWith(Commands.root, { version })(words).pipe(
    Effect.provideService(CliOutput.Presenter, presenter),
    Effect.provideService(CliConfig.CliConfig, { builtIns: [GlobalFlag.Help, GlobalFlag.Version] })
  )
})

const vocabulary: ErrorReport.Vocabulary = { commands: Commands.names, flagsOf: Commands.flagsOf }
