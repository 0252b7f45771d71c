/**
 * What genome must do alike on Bun, Deno and Node: bits of the 16-bit formats, bytes of the files, identities of layers.
 */
import * as ContentId from "@continuum/core/ContentId"
import * as Float16 from "@continuum/genome/formats/Float16"
import * as Peft from "@continuum/genome/formats/Peft"
import * as Safetensors from "@continuum/genome/formats/Safetensors"
import * as Layer from "@continuum/genome/Layer"
import { Effect } from "effect"
import { check, report } from "../../../core/test/Conformance.ts"
import { layers } from "../vectors/LayerVectors.ts"

/** Results for 65,536 seeded bit patterns as little-endian bytes. */
const resultsOf = (convert: (bits: number) => number, seed: number): Uint8Array => {
  const bytes = new DataView(new ArrayBuffer(4 * 0x10000))
  for (let i = 0; i < 0x10000; i++) bytes.setUint32(4 * i, convert(seed === 0 ? i : Math.imul(i, seed) >>> 0), true)
  return new Uint8Array(bytes.buffer)
}
const conversions = [
  ["widenF16", Float16.widenF16, 0, "ce7920e340e1ee1a195c706f23a535ea010c7dbd13f7f69db937052a4fc2ee00"],
  ["widenBF16", Float16.widenBF16, 0, "74bf08786c8254f84a38953f4aedfad13fb38602f27fac42297296735baec30c"],
  ["narrowF16", Float16.narrowF16, 0x9e3779b1, "0e8aa5d583ee21fe19b039d4eae4c824437ba9370946c2df878afbd4b3392395"],
  ["narrowBF16", Float16.narrowBF16, 0x9e3779b1, "b850a6ae7af311c7dcdd90402390df8fa2b7ce44a2233b5da407dd0e226b051b"]
] as const
for (const [name, convert, seed, hash] of conversions) {
  await check(`${name} has the same 65,536 results everywhere`, () => {
    const found = ContentId.of(resultsOf(convert, seed))
    if (found !== hash) throw new Error(found)
  })
}

for (const [name, parts, contentId] of layers) {
  await check(`the identity of a layer: ${name}`, () =>
    Effect.runPromise(Effect.flatMap(Layer.make(parts), Layer.contentId)).then((id) => id === contentId)
  )
  await check(`a layer through its canonical form and through PEFT: ${name}`, () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const layer = yield* Layer.make(parts)
        const decoded = yield* Layer.decode(yield* Layer.encode(layer))
        const imported = yield* Peft.read(yield* Peft.write(decoded))
        return (yield* Layer.contentId(imported)) === contentId
      })
    )
  )
}

await check("hostile files are refused", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const nested = new TextEncoder().encode(`12345678{"a":${"[".repeat(100_000)}`)
      new DataView(nested.buffer).setBigUint64(0, BigInt(nested.length - 8), true)
      for (const bytes of [new Uint8Array(0), new Uint8Array(16).fill(255), nested]) {
        if ((yield* Effect.flip(Safetensors.read(bytes)))._tag !== "SafetensorsMalformed") return false
      }
      return true
    })
  )
)

report()
