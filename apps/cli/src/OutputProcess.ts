/**
 * `Output` on the streams of this process.
 */
import { Effect, Layer } from "effect"
import { OutputClosed, OutputFailed } from "./CliError.ts"
import * as DenoPermissions from "./DenoPermissions.ts"
import { Output } from "./Output.ts"
import * as Style from "./Style.ts"

/** Whether the reader has gone: EPIPE, or a stream that an earlier EPIPE destroyed. */
const isClosed = (error: unknown): boolean =>
  ["EPIPE", "ERR_STREAM_DESTROYED", "ECONNRESET"].includes((error as { code?: string }).code ?? "")

/** https://no-color.org: any value but the empty one. */
const wantsNoColor = (): boolean => DenoPermissions.noColor ?? Boolean(process.env["NO_COLOR"])

const writeTo = (
  stream: NodeJS.WriteStream,
  data: string | Uint8Array
): Effect.Effect<void, OutputClosed | OutputFailed> =>
  Effect.callback((resume) => {
    // After an error Deno never calls back.
    if (stream.destroyed) return resume(Effect.fail(new OutputClosed()))
    const failed = (error: unknown) =>
      resume(Effect.fail(isClosed(error) ? new OutputClosed() : new OutputFailed({ reason: (error as Error).message })))
    // Deno throws what the others call back with.
    try {
      stream.write(data, (error) => (error === undefined || error === null ? resume(Effect.void) : failed(error)))
    } catch (error) {
      failed(error)
    }
  })

export const layer: Layer.Layer<Output> = Layer.sync(Output, () => {
  const { stderr, stdout } = process
  // Without a listener a closed pipe would end the process with a stack trace; each write reports it itself.
  for (const stream of [stdout, stderr]) stream.on("error", () => {})
  const styleOf = (stream: NodeJS.WriteStream) => (stream.isTTY && !wantsNoColor() ? Style.colored : Style.plain)
  return {
    write: (data) => writeTo(stdout, data),
    remark: (text) => Effect.ignore(writeTo(stderr, text)),
    style: styleOf(stdout),
    remarkStyle: styleOf(stderr),
    isTerminal: stdout.isTTY === true,
    remarksAreSeen: stderr.isTTY === true
  }
})
