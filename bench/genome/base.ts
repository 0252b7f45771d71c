/** The same engine without layers; and what a swap costs where it means another session with other weights. */
import * as ModelOnnxRuntime from "@continuum/genome/backend/ModelOnnxRuntime"
import { finish } from "../Measure.ts"
import { measureAnswers, recordRounds } from "./Answers.ts"
import { config, merged } from "./Workload.ts"

const weights = merged()
for (const name of ["warm", "hot"]) {
  await recordRounds(name, 1, async () => {
    await ModelOnnxRuntime.open(config, weights, 1)
  })
}
await measureAnswers("one", 1, () => ["", ModelOnnxRuntime.noLayers])
await measureAnswers("many", 32, () => ["", ModelOnnxRuntime.noLayers])
finish()
