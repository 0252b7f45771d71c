/**
 * The other end of `ChildOnnxRuntime`, for the programs that it starts: messages from the node, and answers to it.
 *
 * Standard output is for messages alone; what a library prints goes to standard error. The process ends when the node
 * does, which closes its input.
 */
import * as Codec from "@continuum/core/Codec"
import process from "node:process"
import { engineMessageBytesMax } from "../Limits.ts"

const frames = Codec.makeRpcSerialization(engineMessageBytesMax).makeUnsafe()
const write: (bytes: Uint8Array, done: () => void) => void = process.stdout.write.bind(process.stdout)
process.stdout.write = process.stderr.write.bind(process.stderr) as typeof process.stdout.write
for (const name of ["log", "info", "debug"] as const) console[name] = console.error

/** Fulfilled when all messages so far were given to the system. */
let written = Promise.resolve()

/** Sends a message to the node. It is on its way after the next `pause`. */
export const send = (message: unknown): void => {
  written = new Promise((resolve) => write(frames.encode(message) as Uint8Array, resolve))
}

/** Calls `handle` for each message of the node, in order. A message that is none ends the process. */
export const receive = (handle: (message: unknown) => void): void => {
  process.stdin.on("data", (chunk: Uint8Array) => {
    for (const message of frames.decode(chunk)) handle(message)
  })
  process.stdin.on("end", () => process.exit(0))
}

/**
 * Lets what waits on the event loop have its turn: messages that came during a run of a session, and those that were
 * sent, which Bun would keep until after the next run otherwise.
 */
export const pause = async (): Promise<void> => {
  await written
  await new Promise((resolve) => setImmediate(resolve))
}
