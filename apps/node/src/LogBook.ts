/**
 * The node's log: everything goes to `<home>/logs/node.log` as one JSON document a line, the last entries stay in
 * memory for `logs`, and what is at least as important as `--log-level` is shown on stderr.
 *
 * The file is rotated at a size limit and old ones are removed. A disk that takes no more never stops the node: the
 * lines are dropped and counted.
 */
import { indentAfterFirst, printable } from "@continuum/core/Printable"
import type { LogEntry } from "@continuum/core/rpc"
import { Cause, Context, Effect, FileSystem, Layer, Logger, Path, PubSub, Queue, References, Stream } from "effect"
import { Home } from "./Home.ts"
import { NodeConfig } from "./NodeConfig.ts"

/** Entries kept in memory for `logs`. About 2 MB of ordinary lines. Chosen, not measured. */
const entriesMax = 10_000
/** Size at which the file is rotated, and how many old ones stay: 25 MB in all. Chosen, not measured. */
const fileBytesMax = 5_000_000
const oldFilesMax = 4
/** Lines waiting for the disk; beyond this they are dropped and counted. */
const linesWaitingMax = 10_000

export class LogBook extends Context.Service<
  LogBook,
  {
    /** The last `lines` entries, oldest first; with `follow`, every new one after them. */
    readonly read: (lines: number, follow: boolean) => Stream.Stream<LogEntry>
    /** Writes what is logged to the file, for as long as it runs. The node runs it as a service. */
    readonly writing: Effect.Effect<never>
    /** Lines that could not be written to the file. */
    readonly dropped: Effect.Effect<number>
  }
>()("@continuum/node/LogBook") {}

export const layer: Layer.Layer<LogBook, never, Home | NodeConfig | FileSystem.FileSystem | Path.Path> = Layer.unwrap(
  Effect.gen(function* () {
    const { settings } = yield* NodeConfig
    const { logsPath } = yield* Home
    const ring: Array<LogEntry> = []
    const fresh = yield* PubSub.sliding<LogEntry>(1_000)
    const waiting = yield* Queue.dropping<string>(linesWaitingMax)
    let dropped = 0

    const logger = Logger.make<unknown, void>((options) => {
      const entry = entryOf(options)
      ring.push(entry)
      if (ring.length > entriesMax + entriesMax / 10) ring.splice(0, ring.length - entriesMax)
      PubSub.publishUnsafe(fresh, entry)
      const line = JSON.stringify(entry)
      if (!Queue.offerUnsafe(waiting, line)) dropped++
      process.stderr.write(settings.logFormat === "json" ? `${line}\n` : `${pretty(entry)}\n`)
    })

    const writer = yield* makeWriter(logsPath)
    const writeAll = Effect.fnUntraced(function* (lines: ReadonlyArray<string>) {
      if (lines.length === 0) return
      yield* writer(`${lines.join("\n")}\n`).pipe(
        Effect.catchCause(() =>
          Effect.sync(() => {
            dropped += lines.length
          })
        )
      )
    })

    return Layer.effect(
      LogBook,
      Effect.gen(function* () {
        yield* Effect.addFinalizer(() => Effect.flatMap(Queue.clear(waiting), writeAll))
        return {
          read: (lines, follow) => {
            const past = Stream.suspend(() => Stream.fromIterable(lines === 0 ? [] : ring.slice(-lines)))
            return follow ? Stream.concat(past, Stream.fromPubSub(fresh)) : past
          },
          writing: Queue.takeAll(waiting).pipe(Effect.flatMap(writeAll), Effect.forever),
          dropped: Effect.sync(() => dropped)
        }
      })
    ).pipe(
      Layer.provideMerge(
        Layer.mergeAll(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, settings.logLevel))
      )
    )
  })
)

/** Appends text to the log file and rotates it at its size limit. */
const makeWriter = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(folder, "node.log")
  const old = (number: number) => path.join(folder, `node.${number}.log`)
  let size = yield* fs.stat(file).pipe(
    Effect.map((info) => Number(info.size)),
    Effect.orElseSucceed(() => 0)
  )
  const rotate = Effect.gen(function* () {
    yield* fs.remove(old(oldFilesMax), { force: true })
    for (let number = oldFilesMax - 1; number >= 1; number--) {
      yield* Effect.ignore(fs.rename(old(number), old(number + 1)))
    }
    yield* fs.rename(file, old(1))
    size = 0
  })
  return Effect.fnUntraced(function* (text: string) {
    if (size + text.length > fileBytesMax && size > 0) yield* rotate
    yield* fs.writeFileString(file, text, { flag: "a", mode: 0o600 })
    size += text.length
  })
})

const entryOf = (options: Logger.Options<unknown>): LogEntry => {
  const parts = Array.isArray(options.message) ? options.message : [options.message]
  const fields: Record<string, unknown> = { ...options.fiber.getRef(References.CurrentLogAnnotations) }
  if (options.cause.reasons.length > 0) fields.cause = Cause.pretty(options.cause)
  return {
    time: options.date.toISOString(),
    level: options.logLevel.toLowerCase(),
    message: parts.map((part) => (typeof part === "string" ? part : describe(part))).join(" "),
    ...(Object.keys(fields).length > 0 ? { fields } : {})
  }
}

const describe = (value: unknown): string => {
  if (value instanceof Error) return value.message
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}

/** An entry for a person. What others wrote in it can neither steer the terminal nor look like an entry of its own. */
export const pretty = (entry: LogEntry): string => {
  const fields = Object.entries(entry.fields ?? {}).map(([name, value]) => ` ${name}=${describe(value)}`)
  const line = `${entry.time.slice(11, 19)} ${entry.level.padEnd(5)} ${entry.message}${fields.join("")}`
  return indentAfterFirst(printable(line), 2)
}
