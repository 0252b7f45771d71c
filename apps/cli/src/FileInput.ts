/**
 * Files that a person names on the command line. `-` is stdin, as elsewhere.
 */
import { contentBytesMax } from "@continuum/core/Limits"
import { Effect, FileSystem, type PlatformError, Stdio, Stream } from "effect"
import { createReadStream } from "node:fs"
import { FileUnreadable } from "./CliError.ts"
import { Environment } from "./NodeTarget.ts"

/** The whole content, at most as much as a node keeps. Fails with `FileUnreadable`. */
export const read = Effect.fnUntraced(function* (file: string) {
  if (file === "-") return yield* readStdin
  const { demand } = yield* Environment
  const fs = yield* FileSystem.FileSystem
  yield* demand([{ kind: "read", what: [file] }])
  const unreadable = (error: PlatformError.PlatformError) => new FileUnreadable({ file, reason: reasonOf(error) })
  const { size, type } = yield* Effect.mapError(fs.stat(file), unreadable)
  if (type === "Directory") return yield* new FileUnreadable({ file, reason: "it is a folder" })
  if (Number(size) > contentBytesMax) return yield* tooLarge(file)
  if (type === "File") return yield* Effect.mapError(fs.readFile(file), unreadable)
  // A pipe or a device does not say how long it is, and cannot be read from a place, as Effect's own stream would.
  const failed = (error: unknown) => new FileUnreadable({ file, reason: (error as Error).message })
  return yield* collect(file, Stream.fromAsyncIterable<Uint8Array, FileUnreadable>(createReadStream(file), failed))
})

const readStdin = Effect.gen(function* () {
  const { stdin } = yield* Stdio.Stdio
  const failed = ({ message }: PlatformError.PlatformError) => new FileUnreadable({ file: "stdin", reason: message })
  return yield* collect("stdin", Stream.mapError(stdin, failed))
})

/** All bytes of a stream, while they are not too many. */
const collect = Effect.fnUntraced(function* (file: string, stream: Stream.Stream<Uint8Array, FileUnreadable>) {
  const chunks: Array<Uint8Array> = []
  let length = 0
  yield* Stream.runForEach(stream, (chunk) => {
    chunks.push(chunk)
    length += chunk.length
    return length > contentBytesMax ? Effect.fail(tooLarge(file)) : Effect.void
  })
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
})

const tooLarge = (file: string) =>
  new FileUnreadable({ file, reason: `it has more than the ${contentBytesMax} bytes that a node keeps` })

/** A platform error in the words of a person. */
export const reasonOf = (error: PlatformError.PlatformError): string => {
  switch (error.reason._tag) {
    case "NotFound":
      return "it does not exist"
    case "PermissionDenied":
      return "you may not"
    case "BadResource":
      return "it is no regular file"
    default:
      return error.reason.message
  }
}
