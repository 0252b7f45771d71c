/** Layers as inputs of one session. */
import * as ModelOnnxRuntime from "@continuum/genome/backend/ModelOnnxRuntime"
import { check, finish, measure } from "../Measure.ts"
import { measureAnswers } from "./Answers.ts"
import { config, layers } from "./Workload.ts"

// A copy has not been wrapped before: this is a layer that is in memory and not yet in the engine.
await measure("warm", (operations) => {
  const inputsOf = ModelOnnxRuntime.layerInputs(config)
  for (let i = 0; i < operations; i++) {
    check("The inputs", Object.keys(inputsOf([{ ...layers[i % layers.length]! }])).length, 43)
  }
})
await measure("hot", (operations) => {
  const inputsOf = ModelOnnxRuntime.layerInputs(config)
  const first = inputsOf([layers[0]!])
  for (let i = 0; i < operations; i++) {
    check("Whether they are the same", inputsOf([layers[i % layers.length]!]) === first, i % layers.length === 0)
  }
})
await measureAnswers("one", 1, () => ["layer 0", layers[0]!])
await measureAnswers("many", 32, (row) => [`layer ${row % layers.length}`, layers[row % layers.length]!])
finish()
