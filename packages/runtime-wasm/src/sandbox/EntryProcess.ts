/**
 * The program of a sandbox child: reads requests from standard input, one at a time, and answers on standard output.
 * It ends when its input ends, which is when its node is gone. With the argument `preload` it gets its compilers ready.
 */
import { write } from "./QuietProcess.ts"
import process from "node:process"
import * as Frame from "./Frame.ts"
import * as Requests from "./Requests.ts"

// What the engine was told at its start is no business of what runs here.
for (const name of Object.keys(process.env)) delete process.env[name]

if (process.argv.includes("preload")) Requests.preload()

const decode = Frame.makeDecoder()
let work = Promise.resolve()

process.stdin.on("data", (chunk: Uint8Array) => {
  for (const message of decode(chunk)) {
    work = work.then(async () => write(Frame.encode(await Requests.answer(message as Requests.Request))))
  }
})
process.stdin.on("end", () => process.exit(0))
