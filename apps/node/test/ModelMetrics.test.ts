import * as Histogram from "@continuum/genome/backend/Histogram"
import { assert, describe, it } from "@effect/vitest"
import { counter, exposition } from "../src/http/Exposition.ts"
import * as ModelMetrics from "../src/ModelMetrics.ts"

describe("the metrics of the model", () => {
  it("are tokens by layer, and a histogram whose buckets add up", () => {
    const firstText = Histogram.make([0.01, 0.1, 1])
    for (const seconds of [0.005, 0.01, 0.05, 7]) firstText.add(seconds)
    const usages = [
      { layer: "none", promptTokens: 3, completionTokens: 0 },
      { layer: "sorting", promptTokens: 12, completionTokens: 6 }
    ]
    assert.deepStrictEqual(
      exposition(ModelMetrics.of(usages, firstText))
        .split("\n")
        .filter((line) => !line.startsWith("#")),
      [
        'continuum_model_prompt_tokens_total{layer="none"} 3',
        'continuum_model_prompt_tokens_total{layer="sorting"} 12',
        'continuum_model_completion_tokens_total{layer="none"} 0',
        'continuum_model_completion_tokens_total{layer="sorting"} 6',
        'continuum_model_first_text_seconds_bucket{le="0.01"} 2',
        'continuum_model_first_text_seconds_bucket{le="0.1"} 3',
        'continuum_model_first_text_seconds_bucket{le="1"} 3',
        'continuum_model_first_text_seconds_bucket{le="+Inf"} 4',
        "continuum_model_first_text_seconds_sum 7.065",
        "continuum_model_first_text_seconds_count 4",
        ""
      ]
    )
  })

  it("keep the name of a layer inside its quotes, whatever it is", () => {
    const usage = { layer: 'a"} 1\nevil{b="\\', promptTokens: 1, completionTokens: 1 }
    const [line] = exposition(ModelMetrics.of([usage], Histogram.make([])))
      .split("\n")
      .slice(2)
    assert.strictEqual(line, 'continuum_model_prompt_tokens_total{layer="a\\"} 1\\nevil{b=\\"\\\\"} 1')
    assert.strictEqual(
      exposition([counter("a_total", "A\nB \\", 1)]),
      "# HELP a_total A\\nB \\\\\n# TYPE a_total counter\na_total 1\n"
    )
  })
})
