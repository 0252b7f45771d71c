/** `ai.generate` of a real node, as any program without our client would send it; and the processes that answer. */
import { spawnSync } from "node:child_process"
import { call, type NodeProcess } from "./NodeProcess.ts"

export interface Answer {
  readonly text: string
  readonly done: any
  /** Tag of the error, and its message's data, when it failed. */
  readonly failure: string | undefined
  readonly error: any
}

export const generate = async (node: NodeProcess, request: object): Promise<Answer> => {
  const { exit, text } = await call(node, "ai.generate", request)
  const chunks = text
    .trim()
    .split("\n")
    .flatMap((line) => (JSON.parse(line) as { readonly values?: ReadonlyArray<any> }).values ?? [])
  const error = exit?._tag === "Failure" ? exit.cause[0]?.error : undefined
  return {
    text: chunks.map((chunk) => (chunk._tag === "Text" ? chunk.text : "")).join(""),
    done: chunks.find((chunk) => chunk._tag === "Done"),
    failure: error?._tag,
    error
  }
}

/** Processes of the model's engine that a node has started. */
export const enginesOf = (node: NodeProcess): ReadonlyArray<number> =>
  spawnSync("ps", ["-o", "pid=,args=", "--ppid", String(node.pid)], { encoding: "utf8" })
    .stdout.split("\n")
    .filter((line) => line.includes("EngineOnnxRuntime"))
    .map((line) => Number.parseInt(line, 10))
