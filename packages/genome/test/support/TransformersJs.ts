/**
 * A program of its own: loads a model folder with transformers.js, without the network, and prints what it says.
 * Arguments: the folder that holds the model's folder, the model's name, conversations as JSON, and tokens of an answer at
 * most. Prints JSON.
 */
import { AutoModelForCausalLM, AutoTokenizer, env } from "@huggingface/transformers"

const [folder, name, conversations, tokensMax] = process.argv.slice(2) as [string, string, string, string]
env.allowRemoteModels = false
env.allowLocalModels = true
env.localModelPath = folder

const tokenizer = await AutoTokenizer.from_pretrained(name)
const model = await AutoModelForCausalLM.from_pretrained(name, { dtype: "fp32", device: "cpu" })

const answers: Array<{ readonly prompt: ReadonlyArray<number>; readonly text: string }> = []
for (const turns of JSON.parse(conversations) as Array<Array<{ role: string; content: string }>>) {
  const inputs = tokenizer.apply_chat_template(turns, { add_generation_prompt: true, return_dict: true }) as {
    readonly input_ids: { readonly data: BigInt64Array; readonly dims: ReadonlyArray<number> }
  }
  const output = (await model.generate({
    ...inputs,
    max_new_tokens: Number(tokensMax),
    do_sample: false
  } as never)) as unknown as {
    readonly data: BigInt64Array
  }
  const prompt = Array.from(inputs.input_ids.data, Number)
  const answer = Array.from(output.data, Number).slice(prompt.length)
  answers.push({ prompt, text: tokenizer.decode(answer, { skip_special_tokens: true }) })
}
console.log(JSON.stringify(answers))
