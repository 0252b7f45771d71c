/**
 * The private DHT of `Testnet` as a process of its own: it needs native UDP, which only bare and Node have. It ends with its
 * standard input, so it never outlives whoever started it.
 */
import { Buffer } from "node:buffer"
import * as SidecarProcess from "../SidecarProcess.ts"

export interface TestnetProcess {
  /** `host:port` of a DHT node, to be given as `bootstrap`. */
  readonly bootstrap: ReadonlyArray<string>
  readonly stop: () => Promise<void>
}

/** Starts it with so many DHT nodes. Rejects with what the process printed when it ends instead. */
export const open = (runtime: SidecarProcess.Runtime, nodes: number): Promise<TestnetProcess> =>
  new Promise((resolve, reject) => {
    const child = SidecarProcess.start(runtime, "testnet.cjs", String(nodes))
    let output = ""
    const exited = new Promise<void>((gone) => {
      child.on("error", (error) => {
        reject(error)
        gone()
      })
      child.on("exit", () => {
        reject(new Error(`The testnet did not start: ${output}`))
        gone()
      })
    })
    child.stdin.on("error", () => {})
    child.stderr.on("data", (chunk: Uint8Array) => (output += Buffer.from(chunk).toString()))
    child.stdout.on("data", (chunk: Uint8Array) => {
      output += Buffer.from(chunk).toString()
      const line = output.split("\n").find((line) => line.startsWith("["))
      if (line === undefined || !line.endsWith("]")) return
      resolve({
        bootstrap: JSON.parse(line) as ReadonlyArray<string>,
        stop: () => {
          child.stdin.end()
          const timer = setTimeout(() => child.kill("SIGKILL"), stopMsMax)
          return exited.finally(() => clearTimeout(timer))
        }
      })
    })
  })

/** Chosen, not measured. */
const stopMsMax = 2_000
