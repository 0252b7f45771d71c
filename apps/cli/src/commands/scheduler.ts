/**
 * Turns: who waits for one, and a picture of who had one when.
 */
import type { SchedulerQueue } from "@continuum/actors/rpc"
import { Effect, Option } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as FileOutput from "../FileOutput.ts"
import * as NodeConnection from "../NodeConnection.ts"
import * as Output from "../Output.ts"
import { program } from "../Program.ts"
import * as Render from "../Render.ts"

const queue = Command.make("scheduler/queue", {}, () =>
  Effect.gen(function* () {
    const queue = yield* NodeConnection.useQuick((node) => node["scheduler.queue"]({}))
    yield* Output.result(queue, (style) =>
      [
        Render.table<SchedulerQueue["turns"][number]>(
          style,
          queue.turns,
          [
            { head: "PERSONA", cell: ({ name }) => name },
            { head: "TURN", cell: ({ turnId }) => turnId },
            { head: "STATE", cell: ({ phase }) => phase },
            { head: "PRIORITY", cell: ({ effectivePriority }) => effectivePriority.toFixed(1), align: "right" },
            { head: "SINCE", cell: ({ ms }) => Render.milliseconds(ms), align: "right" },
            { head: "TOKENS", cell: ({ tokens }) => Render.count(tokens), align: "right" }
          ],
          `No persona wants a turn; ${Render.count(queue.slots)} can have one at once`
        ),
        "",
        Render.table<SchedulerQueue["ready"][number]>(
          style,
          queue.ready,
          [
            { head: "ACTOR", cell: ({ address }) => address },
            { head: "PRIORITY", cell: ({ priority }) => Render.count(priority), align: "right" },
            { head: "WAITS AT MOST", cell: ({ waitBound }) => `${Render.count(waitBound)} messages`, align: "right" }
          ],
          "No actor waits for a turn"
        ),
        "",
        `${Render.count(queue.actorTurns)} turns of actors since the start, ${Render.count(queue.preemptions)} ended by a better actor`
      ].join("\n")
    )
  })
).pipe(Command.withDescription("Who wants a turn right now: personas that answer, and actors"))

const command = "scheduler/trace"

const trace = Command.make(
  command,
  {
    out: Flag.String("out").pipe(
      Flag.withMetavar("FILE"),
      Flag.optional,
      Flag.withDescription("Draw it as an SVG picture into this file")
    ),
    record: Flag.Int("record").pipe(
      Flag.withMetavar("MS"),
      Flag.filter(
        (ms) => ms >= 1 && ms <= 60_000,
        () => "a number of milliseconds from 1 to 60000"
      ),
      Flag.optional,
      Flag.withDescription("Record the turns of actors from now on for so long; otherwise the turns of personas so far")
    )
  },
  ({ out, record }) =>
    Effect.gen(function* () {
      if (Option.isSome(out)) yield* FileOutput.checkName(command, "--out", out.value)
      const payload = Option.isSome(record) ? { recordMs: record.value } : {}
      const { svg, ...trace } = yield* NodeConnection.use((node) => node["scheduler.trace"](payload)).pipe(
        Output.whileBusy("recording...")
      )
      if (Option.isSome(out)) yield* FileOutput.write(command, "--out", out.value, new TextEncoder().encode(svg))
      yield* Output.result(Option.isSome(out) ? { ...trace, out: out.value } : { ...trace, svg }, () => {
        const spans = trace.entries.filter(({ _tag }) => _tag === "Span").length
        const counts = `${Render.count(spans)} turns of personas, ${Render.count(trace.actorTurns.length)} of actors`
        return Option.isSome(out) ? `${Render.printable(out.value)}: ${counts}` : `${counts}. Draw them with --out FILE`
      })
    })
).pipe(
  Command.withDescription("Who had which turn when, as a picture"),
  Command.withExamples([{ command: `${program} scheduler/trace --out turns.svg` }])
)

export const commands = [queue, trace] as const
