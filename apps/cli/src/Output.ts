/**
 * Where results and remarks go: results to stdout, everything else to stderr.
 *
 * With `--json` stdout gets one JSON document and nothing else. A reader that closes the pipe ends the command with
 * `OutputClosed`, which is no error.
 */
import { Context, Effect } from "effect"
import type { OutputClosed, OutputFailed } from "./CliError.ts"
import { Json } from "./GlobalFlags.ts"
import type { Style } from "./Style.ts"

export class Output extends Context.Service<
  Output,
  {
    /** Writes to stdout; done when the system has taken it. */
    readonly write: (data: string | Uint8Array) => Effect.Effect<void, OutputClosed | OutputFailed>
    /** Writes to stderr. Never fails: there is no other place to say that it did. */
    readonly remark: (text: string) => Effect.Effect<void>
    /** Colours for stdout, when it is a terminal and the user has nothing against them. */
    readonly style: Style
    /** The same for stderr. */
    readonly remarkStyle: Style
    readonly isTerminal: boolean
    readonly remarksAreSeen: boolean
  }
>()("@continuum/cli/Output") {}

/** The result of a command: one JSON document with `--json`, else the text for a person. */
export const result = Effect.fnUntraced(function* <A>(data: A, text: (style: Style) => string) {
  const { style, write } = yield* Output
  yield* write((yield* Json) ? jsonLine(data) : `${text(style)}\n`)
})

/** A line about the result, for a person. Not with `--json`. */
export const detail = Effect.fnUntraced(function* (text: (style: Style) => string) {
  const { remark, remarkStyle } = yield* Output
  if (!(yield* Json)) yield* remark(`${text(remarkStyle)}\n`)
})

/** One JSON document in one line. `undefined`, which JSON lacks, is null. */
export const jsonLine = (data: unknown): string =>
  `${JSON.stringify(data, (_, part: unknown) => (part === undefined ? null : part)) ?? "null"}\n`

// Below this a remark would only flicker. Chosen, not measured.
const progressDelayMs = 300
const eraseLine = "\r\u001b[2K"

/** Says what is going on while it takes long, on a terminal only, and takes it back afterwards. */
export const whileBusy =
  (text: string) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Output> =>
    Effect.gen(function* () {
      const { remark, remarkStyle, remarksAreSeen } = yield* Output
      if (!remarksAreSeen) return yield* work
      let isShown = false
      const show = Effect.sleep(progressDelayMs).pipe(
        Effect.andThen(Effect.sync(() => (isShown = true))),
        Effect.andThen(remark(remarkStyle.dim(text)))
      )
      const erase = Effect.suspend(() => (isShown ? remark(eraseLine) : Effect.void))
      return yield* Effect.scoped(Effect.andThen(Effect.forkScoped(show), work)).pipe(Effect.ensuring(erase))
    })
