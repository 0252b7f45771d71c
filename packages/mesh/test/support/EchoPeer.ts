/** Starts an `EchoPeerProcess` on Bun. */
import type { PublicKey } from "@continuum/core/Identity"
import { spawn } from "node:child_process"

export interface EchoPeer {
  readonly publicKey: PublicKey
  readonly pid: number
  /** Process id of its sidecar. */
  readonly sidecar: number
  readonly kill: () => void
  readonly stop: () => Promise<void>
}

/** `root` is the folder of the repository. Rejects with what the process printed when it ends instead of starting. */
export const start = (root: string, bootstrap: string): Promise<EchoPeer> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      `${root}/node_modules/.bin/bun`,
      [`${root}/packages/mesh/test/support/EchoPeerProcess.ts`, bootstrap],
      { cwd: root, stdio: ["pipe", "pipe", "pipe"] }
    )
    let output = ""
    const exited = new Promise<void>((gone) => child.on("exit", () => gone()))
    child.on("error", reject)
    void exited.then(() => reject(new Error(`The echo peer ended: ${output}`)))
    child.stderr.on("data", (chunk: Uint8Array) => (output += new TextDecoder().decode(chunk)))
    child.stdout.on("data", (chunk: Uint8Array) => {
      output += new TextDecoder().decode(chunk)
      const line = output.split("\n").find((one) => one.startsWith("{") && one.endsWith("}"))
      if (line === undefined) return
      resolve({
        ...(JSON.parse(line) as { publicKey: PublicKey; sidecar: number }),
        pid: child.pid!,
        kill: () => child.kill("SIGKILL"),
        stop: () => {
          child.stdin.end()
          return exited
        }
      })
    })
  })
