/** Time of a token: whole answers of rows together, on the batcher as the engine runs it. */
import type { Matrix } from "@continuum/genome/Composition"
import * as ModelOnnxRuntime from "@continuum/genome/backend/ModelOnnxRuntime"
import { Batcher } from "@continuum/genome/model/Batcher"
import process from "node:process"
import { check, quick, record } from "../Measure.ts"
import { median } from "../Statistics.ts"
import { answerTokens, config, promptTokens, weights } from "./Workload.ts"

const model = await ModelOnnxRuntime.open(config, weights, 1)
let runs = 0

/** One operation is one token of one row. `layersOf`: of each row. */
export const measureAnswers = (name: string, rows: number, layersOf: (row: number) => readonly [string, Matrix]) =>
  recordRounds(name, rows * answerTokens, async () => {
    const batcher = new Batcher(model, () => performance.now(), rows)
    for (let row = 0; row < rows; row++) {
      const [composition, layers] = layersOf(row)
      const prompt = Array.from({ length: promptTokens }, (_, i) => 97 + ((i * 7 + row + runs) % 26))
      batcher.start({ id: row, prompt, composition, layers, sampling: {}, tokensMax: answerTokens, priority: 128 })
    }
    runs++
    let tokens = 0
    while (batcher.size > 0) {
      for (const event of await batcher.step()) if (event._tag === "Token") tokens++
    }
    check("The number of tokens", tokens, rows * answerTokens)
  })

/** Times a round of `operations` several times, after one that is not timed. */
export const recordRounds = async (name: string, operations: number, round: () => Promise<void>): Promise<void> => {
  const wallNs: Array<number> = []
  const cpuNs: Array<number> = []
  for (let i = 0; i < (quick ? 2 : 6); i++) {
    const cpu = process.cpuUsage()
    const start = performance.now()
    await round()
    const { user, system } = process.cpuUsage(cpu)
    if (i === 0) continue
    wallNs.push(((performance.now() - start) * 1_000_000) / operations)
    cpuNs.push(((user + system) * 1_000) / operations)
  }
  record({ case: name, wallNs: median(wallNs), cpuNs: median(cpuNs) })
}
