/**
 * The node itself: what it is, how it fares, what it logs, how it is stopped.
 */
import type { ConfigEntry, DoctorCheck, DoctorReport, LogEntry, NodeStatus } from "@continuum/core/rpc"
import { Clock, Duration, Effect, FileSystem, Schedule, Stream } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { ChecksFailed, NodeStillRunning } from "../CliError.ts"
import { Json } from "../GlobalFlags.ts"
import type { Node } from "../NodeCalls.ts"
import * as NodeConnection from "../NodeConnection.ts"
import type { NodeTarget } from "../NodeTarget.ts"
import * as Output from "../Output.ts"
import * as Render from "../Render.ts"
import type { Style } from "../Style.ts"

const status = Command.make("status", {}, () =>
  Effect.gen(function* () {
    const status = yield* NodeConnection.useQuick((node) => node["node.status"]())
    yield* Output.result(status, (style) => statusText(style, status))
  })
).pipe(Command.withDescription("What the node is, what it holds and how it fares"))

const statusText = (style: Style, status: NodeStatus): string =>
  Render.fields(style, [
    ["name", status.name],
    ["public key", status.publicKey],
    ["url", status.url],
    ["version", `${status.version} on ${status.runtime}, process ${status.pid}`],
    ["home", status.home],
    ["uptime", Render.milliseconds(status.uptimeSeconds * 1000)],
    ["memory", Render.bytes(status.memoryBytes)],
    ["languages", status.languages.join(", ") || "none"],
    ["actors", Render.count(status.actors)],
    ["modules", Render.count(status.modules)],
    ["layers", Render.count(status.layers)],
    ["personas", Render.count(status.personas)],
    ["peers", Render.count(status.peers)],
    ["mesh", meshText(status.mesh)]
  ])

const meshText = ({ listening, problem, state, transport }: NodeStatus["mesh"]): string =>
  state === "ready" ? `UDP ${listening}, by ${transport}` : `${state}${problem === null ? "" : `: ${problem}`}`

const doctor = Command.make("doctor", {}, () =>
  Effect.gen(function* () {
    const report = yield* NodeConnection.useQuick((node) => node["node.doctor"]()).pipe(
      // A node that cannot be reached is the first thing that a doctor should find.
      Effect.catchTag(["NodeNotRunning", "NodeUnreachable", "NodeSilent", "KeyRefused"], (error) =>
        Effect.andThen(showReport(unreachable(error.message)), Effect.fail(error))
      )
    )
    yield* showReport(report)
    if (report.ok) return
    const failed = report.checks.filter(({ ok }) => !ok).length
    yield* new ChecksFailed({ failed, checks: report.checks.length })
  })
).pipe(Command.withDescription("Check that everything works, and say what to do where it does not"))

const unreachable = (detail: string): DoctorReport => ({
  ok: false,
  checks: [{ name: "node", ok: false, detail, fix: "Start a node with: npm start" }]
})

const showReport = (report: DoctorReport) =>
  Output.result(report, (style) => report.checks.map((check) => checkText(style, check)).join("\n"))

const checkText = (style: Style, { detail, fix, name, ok }: DoctorCheck): string => {
  const lines = [`${ok ? style.green("ok  ") : style.red("FAIL")}  ${style.bold(name)}  ${Render.printable(detail)}`]
  if (!ok && fix !== undefined) lines.push(`fix: ${Render.printable(fix)}`)
  return Render.indentAfterFirst(lines.join("\n"), 6)
}

const logs = Command.make(
  "logs",
  {
    lines: Flag.Int("lines").pipe(
      Flag.withMetavar("N"),
      Flag.filter(
        (lines) => lines >= 0 && lines <= 10_000,
        () => "a number from 0 to 10000"
      ),
      Flag.withDefault(50),
      Flag.withDescription("How many of the last entries (default: 50)")
    ),
    follow: Flag.Boolean("follow").pipe(
      Flag.withoutNegation,
      Flag.withAlias("f"),
      Flag.withDefault(false),
      Flag.withDescription("Go on with every new entry until Ctrl-C")
    )
  },
  ({ follow, lines }) =>
    Effect.gen(function* () {
      const { style, write } = yield* Output.Output
      const json = yield* Json
      yield* NodeConnection.use((node) =>
        Stream.runForEach(node["node.logs"]({ lines, follow }), (entry) =>
          write(json ? Output.jsonLine(entry) : `${entryText(style, entry)}\n`)
        )
      )
    })
).pipe(Command.withDescription("The last entries of the node's log. With --json: one JSON document for each line"))

const levelPaint: Readonly<Record<string, (style: Style) => (text: string) => string>> = {
  WARN: (style) => style.yellow,
  ERROR: (style) => style.red,
  FATAL: (style) => style.red
}

const entryText = (style: Style, { fields = {}, level, message, time }: LogEntry): string => {
  const paint = levelPaint[level.toUpperCase()]?.(style) ?? ((text: string) => text)
  const extra = Object.entries(fields).map(([name, value]) => Render.printable(`${name}=${JSON.stringify(value)}`))
  const words = [
    style.dim(Render.printable(time)),
    paint(Render.printable(level).padEnd(5)),
    Render.indentAfterFirst(Render.printable(message), 2),
    ...extra.map(style.dim)
  ]
  return words.join(" ")
}

const config = Command.make("config", {}, () =>
  Effect.gen(function* () {
    const entries = yield* NodeConnection.useQuick((node) => node["node.config"]())
    yield* Output.result(entries, (style) =>
      Render.table<ConfigEntry>(
        style,
        entries,
        [
          { head: "NAME", cell: ({ name }) => name },
          { head: "VALUE", cell: ({ value }) => value || "-" },
          { head: "FROM", cell: ({ source }) => source }
        ],
        "The node tells no settings"
      )
    )
  })
).pipe(Command.withDescription("The settings in force, and where each comes from"))

// A node stops within 10 s; the rest is for a loaded machine. Chosen, not measured.
const stopWait = Duration.seconds(15)

const down = Command.make("down", {}, () =>
  Effect.gen(function* () {
    const startedMs = yield* Clock.currentTimeMillis
    const stopped = yield* NodeConnection.useQuick((node, target) =>
      Effect.gen(function* () {
        const { pid } = yield* node["node.down"]()
        yield* isUp(node, target, pid).pipe(
          Effect.repeat({ while: (up) => up, schedule: Schedule.spaced("100 millis") }),
          Effect.timeoutOrElse({
            duration: stopWait,
            orElse: () => Effect.fail(new NodeStillRunning({ pid, seconds: Duration.toSeconds(stopWait) }))
          })
        )
        return { pid, url: target.url, stopped: true }
      })
    ).pipe(Output.whileBusy("waiting for the node to stop..."))
    const ms = (yield* Clock.currentTimeMillis) - startedMs
    yield* Output.result({ ...stopped, ms }, () => `The node at ${stopped.url} (process ${stopped.pid}) has stopped`)
  })
).pipe(Command.withDescription("Stop the node cleanly, and wait until it has stopped"))

/** Whether the process that was told to stop is still there: it answers, or has not yet taken its file away. */
const isUp = (node: Node, { nodeFile }: NodeTarget, pid: number) =>
  node["node.status"]().pipe(
    Effect.map((status) => status.pid === pid),
    Effect.catchTag(["NodeUnreachable", "NodeConnectionLost"], () =>
      nodeFile === undefined ? Effect.succeed(false) : exists(nodeFile)
    ),
    Effect.orElseSucceed(() => true)
  )

/** By `stat`: Deno's `access`, which `exists` uses, also needs the permission to know the user's id. */
const exists = (file: string) => Effect.flatMap(FileSystem.FileSystem, (fs) => Effect.isSuccess(fs.stat(file)))

export const commands = [status, doctor, logs, config, down] as const
