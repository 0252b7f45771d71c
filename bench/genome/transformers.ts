/** The same weights in transformers.js, which has no layers: one row, greedy. */
import * as HuggingFace from "@continuum/genome/model/HuggingFace"
import { AutoModelForCausalLM, env, Tensor } from "@huggingface/transformers"
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { check, finish } from "../Measure.ts"
import { recordRounds } from "./Answers.ts"
import { answerTokens, config, promptTokens, weights } from "./Workload.ts"

const folder = await mkdtemp(join(tmpdir(), "continuum-bench-"))
await mkdir(join(folder, "model/onnx"), { recursive: true })
for (const [name, text] of HuggingFace.filesOf(config)) await writeFile(join(folder, "model", name), text)
await writeFile(join(folder, "model", HuggingFace.onnxFile), HuggingFace.onnxOf(config, weights))
env.allowRemoteModels = false
env.localModelPath = folder
const session = { intraOpNumThreads: 1, interOpNumThreads: 1 }
const model = await AutoModelForCausalLM.from_pretrained("model", {
  dtype: "fp32",
  device: "cpu",
  session_options: session
})

await recordRounds("one", answerTokens, async () => {
  const prompt = BigInt64Array.from({ length: promptTokens }, (_, i) => BigInt(97 + ((i * 7) % 26)))
  const output = (await model.generate({
    input_ids: new Tensor("int64", prompt, [1, promptTokens]),
    attention_mask: new Tensor("int64", new BigInt64Array(promptTokens).fill(1n), [1, promptTokens]),
    max_new_tokens: answerTokens,
    do_sample: false
  } as never)) as unknown as { readonly data: BigInt64Array }
  check("The number of tokens", output.data.length, promptTokens + answerTokens)
})
await rm(folder, { recursive: true })
finish()
