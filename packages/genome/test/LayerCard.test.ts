import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import * as Layer from "../src/Layer.ts"
import * as LayerCard from "../src/LayerCard.ts"
import { layerParentsMax } from "../src/Limits.ts"
import { layers } from "./vectors/LayerVectors.ts"

const layer = Effect.runSync(Layer.make(layers[1]![1]))
const description: LayerCard.Description = {
  name: "React Expert",
  version: "3.2.0",
  kind: "domain",
  license: "Apache-2.0",
  created: "2026-01-31T12:00:00.000Z",
  parents: []
}
const card = Effect.runSync(LayerCard.of(layer, description))
const accepts = (value: unknown) => Exit.isSuccess(Schema.decodeUnknownExit(LayerCard.LayerCard)(value))

describe("the card of a layer", () => {
  it("says what the layer is, and what its maker says of it", () => {
    expect(card).toEqual({
      ...description,
      contentId: Effect.runSync(Layer.contentId(layer)),
      base: "meta-llama/Llama-3.2-1B",
      rank: 4,
      targets: [
        "model.layers.0.self_attn.q_proj",
        "model.layers.10.self_attn.v_proj",
        "model.layers.2.self_attn.v_proj"
      ]
    })
  })

  it("comes back through JSON", () => {
    expect(Schema.decodeUnknownSync(LayerCard.LayerCard)(JSON.parse(JSON.stringify(card)))).toEqual(card)
  })

  it("has one of five kinds", () => {
    const kinds = ["domain", "project", "personality", "recent", "ephemeral"]
    expect(LayerCard.LayerKind.literals).toEqual(kinds)
    for (const kind of kinds) expect(accepts({ ...card, kind })).toBe(true)
    expect(accepts({ ...card, kind: "Domain" })).toBe(false)
  })

  it.each(["0.0.0", "1.2.3", "10.20.30", "1.0.0-alpha.1", "1.0.0-0A.is.legal", "1.0.0+build.5", "2.0.0-rc.1+b-2"])(
    "takes the version %s",
    (version) => expect(accepts({ ...card, version })).toBe(true)
  )
  it.each([
    "",
    "1",
    "1.2",
    "01.2.3",
    "1.2.3.4",
    "v1.2.3",
    "1.2.3-",
    "1.2.3-01",
    "1.2.3+",
    "1.2.3 ",
    "1.2.3\n",
    "-1.2.3"
  ])("refuses the version %j", (version) => expect(accepts({ ...card, version })).toBe(false))

  const contentId = card.contentId
  it.each([
    ["a content id in capitals", { contentId: contentId.toUpperCase() }],
    ["no name", { name: "" }],
    ["a long name", { name: "x".repeat(256) }],
    ["rank 0", { rank: 0 }],
    ["no targets", { targets: [] }],
    ["a date without a zone", { created: "2026-01-31T12:00:00" }],
    ["too many parents", { parents: Array(layerParentsMax + 1).fill(contentId) }],
    ["a parent that is a name", { parents: ["React Expert"] }]
  ])("refuses %s", (_, change) => {
    expect(accepts({ ...card, ...change })).toBe(false)
  })

  it("takes as many parents as the limit", () => {
    expect(accepts({ ...card, parents: Array(layerParentsMax).fill(contentId) })).toBe(true)
  })
})
