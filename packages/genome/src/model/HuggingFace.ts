/**
 * A model as the files that Hugging Face transformers and transformers.js load: sizes, tokenizer and how to generate as
 * JSON, and the graph as `onnx/model.onnx`, under the names that transformers.js expects.
 *
 * The tokenizer there is byte-level BPE without merges (Radford and others, GPT-2, 2019), which gives the same tokens as
 * ours, with one difference: there, a text that spells out a mark such as `<|user|>` becomes that mark.
 */
import { Effect, FileSystem } from "effect"
import { encode } from "../onnx/OnnxFile.ts"
import * as InferenceGraph from "./InferenceGraph.ts"
import type { LlamaConfig } from "./LlamaConfig.ts"
import { marks, markTexts, vocabularySize } from "./Tokenizer.ts"

/** The graph without inputs for layers: what transformers.js runs. */
export const onnxFile = "onnx/model.onnx"
export const onnxOf = (config: LlamaConfig, weights: ReadonlyMap<string, Float32Array>): Uint8Array =>
  encode(InferenceGraph.make(config, weights, { layers: false }))

/** Writes all of it into a folder, which is made where it is missing. `tools/export-transformers.ts` does it for people. */
export const write = Effect.fnUntraced(function* (
  directory: string,
  config: LlamaConfig,
  weights: ReadonlyMap<string, Float32Array>
) {
  const fs = yield* FileSystem.FileSystem
  yield* fs.makeDirectory(`${directory}/onnx`, { recursive: true })
  for (const [name, text] of filesOf(config)) yield* fs.writeFileString(`${directory}/${name}`, text)
  yield* fs.writeFile(`${directory}/${onnxFile}`, onnxOf(config, weights))
})

/** The JSON files by name. */
export const filesOf = (config: LlamaConfig): ReadonlyMap<string, string> => {
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`
  return new Map([
    ["config.json", json({ architectures: ["LlamaForCausalLM"], ...config })],
    [
      "generation_config.json",
      json({ bos_token_id: marks.start, eos_token_id: Object.values(marks), pad_token_id: marks.pad })
    ],
    ["tokenizer_config.json", json(tokenizerConfig(config))],
    ["tokenizer.json", json(tokenizer())]
  ])
}

const tokenizerConfig = (config: LlamaConfig) => ({
  tokenizer_class: "PreTrainedTokenizerFast",
  model_max_length: config.max_position_embeddings,
  bos_token: markTexts.start,
  eos_token: markTexts.end,
  pad_token: markTexts.pad,
  add_bos_token: false,
  clean_up_tokenization_spaces: false,
  chat_template:
    `${markTexts.start}{% for message in messages %}` +
    `{% if message['role'] == 'system' %}${markTexts.system}{{ message['content'] }}` +
    `{% elif message['role'] == 'user' %}${markTexts.user}{{ message['content'] }}` +
    `{% else %}${markTexts.assistant}{{ message['content'] }}${markTexts.end}{% endif %}` +
    `{% endfor %}{% if add_generation_prompt %}${markTexts.assistant}{% endif %}`
})

const tokenizer = () => {
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false }
  const vocabulary = Object.fromEntries(byteCharacters().map((character, byte) => [character, byte]))
  for (let token = Math.max(...Object.values(marks)) + 1; token < vocabularySize; token++) {
    vocabulary[`<|unused${token}|>`] = token
  }
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: Object.entries(markTexts).map(([name, content]) => ({
      id: marks[name as keyof typeof marks],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: vocabulary,
      merges: []
    }
  }
}

/** A visible character for each byte: itself where it is one, else the next free one from U+0100 on (GPT-2's `bytes_to_unicode`). */
const byteCharacters = (): ReadonlyArray<string> => {
  let free = 0x100
  return Array.from({ length: 256 }, (_, byte) => {
    const isVisible = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad)
    return String.fromCharCode(isVisible ? byte : free++)
  })
}
