/**
 * The program `bun apps/node`: reads the settings, runs the node until SIGINT, SIGTERM or SIGHUP, and tells a person what went
 * wrong in one paragraph instead of a stack.
 *
 * Exit codes: 0 after a clean stop, 1 when the node cannot start or fails, 2 for wrong usage.
 */
import * as Nearest from "@continuum/core/Nearest"
import { version } from "@continuum/core/Version"
import { Personas } from "@continuum/persona/Personas"
import { Cause, Duration, Effect, Exit, Layer, Option } from "effect"
import { CliConfig, CliError, CliOutput, Command, Flag, GlobalFlag } from "effect/cli"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Banner } from "./Banner.ts"
import { definitions, load, NodeConfig, settingNames, type SettingName } from "./NodeConfig.ts"
import { Home } from "./Home.ts"
import { NodeInfo } from "./NodeInfo.ts"
import { NodeLayer } from "./NodeLayer.ts"
import * as Restore from "./Restore.ts"
import { Stop } from "./Stop.ts"

/** Longer than any clean stop takes; after it the process ends all the same. */
const stopMsMax = 10_000

const flags = Object.fromEntries(
  settingNames.map((name) => {
    const { metavar, description } = definitions[name]
    // A switch is given without a value on the command line, and as on or off elsewhere.
    const flag =
      metavar === undefined
        ? Flag.Boolean(name).pipe(Flag.map((on) => (on ? "on" : "off")))
        : Flag.String(name).pipe(Flag.withMetavar(metavar))
    return [name, flag.pipe(Flag.withDescription(description), Flag.optional)]
  })
) as Record<SettingName, Flag.Flag<Option.Option<string>>>

/** Not a setting: in a settings file it would restore at every start. */
const restoreFlag = Flag.String("restore").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription(
    "put a backup (actors/backup) in the place of the stored states, and exit; the node must be stopped"
  ),
  Flag.optional
)

const command = Command.make("continuum-node", { ...flags, restore: restoreFlag }, ({ restore, ...given }) =>
  Effect.gen(function* () {
    const chosen: Partial<Record<SettingName, string>> = {}
    for (const name of settingNames) {
      const value = given[name]
      if (Option.isSome(value)) chosen[name] = value.value
    }
    const config = yield* load(chosen, process.env)
    if (Option.isSome(restore)) return yield* Restore.run(config.settings.home, restore.value)
    return yield* run.pipe(Effect.provide(NodeLayer.pipe(Layer.provide(Layer.succeed(NodeConfig, config)))))
  })
).pipe(
  Command.withDescription(
    "Runs a Continuum node. Each flag can also be set as CONTINUUM_<FLAG> or in <home>/continuum.toml."
  )
)

/**
 * Makes the node known to clients and shows the banner; then, beside what clients ask already, lets the personas read their pages
 * and proves the node by a first function; and waits for the stop.
 */
const run = Effect.gen(function* () {
  const banner = yield* Banner
  const home = yield* Home
  const { url, publicKey, name } = yield* NodeInfo
  const personas = yield* Personas
  const stop = yield* Stop
  yield* home.announce({ pid: process.pid, url, publicKey, name })
  yield* banner.ready
  yield* Effect.forkScoped(
    Effect.timed(personas.prepare).pipe(
      Effect.flatMap(([duration]) =>
        Effect.logDebug(`The personas have read their pages, ${Math.round(Duration.toMillis(duration))} ms`)
      )
    )
  )
  yield* Effect.forkScoped(banner.proof)
  yield* stop.requested
}).pipe(Effect.scoped)

/** effect/cli shows the whole help before what was wrong; a person needs the second. */
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Effect.sync(() => {
          for (const error of event.errors) process.stderr.write(`${usageOf(error)}\n`)
          process.stderr.write("See: bun apps/node --help\n")
        })
      : CliOutput.defaultPresenter.present(event)
}

const usageOf = (error: CliError.NonShowHelpErrors): string => {
  if (error._tag !== "UnrecognizedOption") return error.message
  const [nearest] = Nearest.of(
    error.option,
    settingNames.map((name) => `--${name}`)
  )
  return `Unknown flag ${error.option}${nearest === undefined ? "" : `. Did you mean ${nearest}?`}`
}

/** Runs the program and ends the process with its exit code. */
export const main = (args: ReadonlyArray<string>): void => {
  const fiber = Effect.runFork(
    Command.runWith(command, { version })(args).pipe(
      Effect.provideService(CliConfig.CliConfig, CliConfig.make({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] })),
      Effect.provideService(CliOutput.Presenter, presenter),
      Effect.provide(NodeServices.layer)
    )
  )
  let stopping = false
  const onSignal = () => {
    if (stopping) return process.exit(1)
    stopping = true
    setTimeout(() => {
      process.stderr.write(`The node did not stop within ${stopMsMax / 1000} s and was ended\n`)
      process.exit(1)
    }, stopMsMax).unref()
    fiber.interruptUnsafe()
  }
  // SIGHUP: its terminal was closed.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, onSignal)
  // Whoever read the output has gone, or its disk is full: no reason to end. The log's file has every line.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined)
  fiber.addObserver((exit) => process.exit(exitCode(exit)))
}

const exitCode = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return 0
  const error = Cause.squash(exit.cause)
  // The presenter has told it.
  if (CliError.isCliError(error)) return 2
  process.stderr.write(`${describe(error, exit.cause)}\n`)
  return isUsage(error) ? 2 : 1
}

/** An expected error in its own words; anything else with its stack, for a report. */
const describe = (error: unknown, cause: Cause.Cause<unknown>): string =>
  Cause.hasFails(cause) && error instanceof Error ? error.message : Cause.pretty(cause)

const isUsage = (error: unknown) =>
  typeof error === "object" && error !== null && "_tag" in error && String(error._tag).startsWith("Setting")
