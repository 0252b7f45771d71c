import * as Peft from "@continuum/genome/formats/Peft"
import * as Safetensors from "@continuum/genome/formats/Safetensors"
import * as Layer from "@continuum/genome/Layer"
import * as LayerCard from "@continuum/genome/LayerCard"
import { Effect } from "effect"

const program = Effect.gen(function* () {
  // A layer: for one matrix of the base model, A [rank, inputs] and B [outputs, rank].
  const layer = yield* Layer.make({
    base: "continuum/tiny",
    scaling: "alpha/rank",
    fanInFanOut: false,
    targets: [
      {
        name: "model.layers.0.self_attn.q_proj",
        alpha: 4,
        a: Safetensors.fromFloat32(Float32Array.of(1, 0, 0, 1, 0.5, 0.25), [2, 3]),
        b: Safetensors.fromFloat32(Float32Array.of(1, 2, 3, 4), [2, 2], "BF16")
      }
    ]
  })

  // Its identity is the BLAKE3 hash of its canonical file, the same on every machine.
  console.log(yield* Layer.contentId(layer))

  // To PEFT and back, without a changed bit.
  const adapter = yield* Peft.write(layer)
  const imported = yield* Peft.read(adapter)
  console.log(yield* Layer.contentId(imported))

  // What people say about it stands on its card.
  const card = yield* LayerCard.of(layer, {
    name: "Brackets",
    version: "1.0.0",
    kind: "domain",
    license: "Apache-2.0",
    created: "2026-01-31T12:00:00Z",
    parents: []
  })
  console.log(card.name, card.version, "rank", card.rank, "for", card.base)

  // An adapter that would compute something else is refused.
  const dora = { ...adapter, config: adapter.config.replace('"use_dora": false', '"use_dora": true') }
  const error = yield* Effect.flip(Peft.read(dora))
  console.log(error.message)
})

Effect.runSync(program)
