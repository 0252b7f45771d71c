/**
 * What core must do alike on Bun, Deno and Node: the bits of DeterministicMath, hashes, signatures, wire bytes, and the
 * law suites of the ports.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Address from "@continuum/core/Address"
import * as Codec from "@continuum/core/Codec"
import * as ContentId from "@continuum/core/ContentId"
import * as ContentStore from "@continuum/core/ContentStore"
import * as ContentStoreDisk from "@continuum/core/ContentStoreDisk"
import * as Envelope from "@continuum/core/Envelope"
import * as Identity from "@continuum/core/Identity"
import * as Meter from "@continuum/core/Meter"
import * as ContentStoreLaws from "@continuum/core/testing/ContentStoreLaws"
import * as MeterLaws from "@continuum/core/testing/MeterLaws"
import { Effect, Layer } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { check, report } from "../Conformance.ts"
import * as Blake3Vectors from "../vectors/Blake3Vectors.ts"
import * as CodecVectors from "../vectors/CodecVectors.ts"
import * as DeterministicMathVectors from "../vectors/DeterministicMathVectors.ts"
import * as Ed25519Vectors from "../vectors/Ed25519Vectors.ts"

const { fromHex, toHex } = Ed25519Vectors

for (const name of DeterministicMathVectors.names) {
  await check(`DeterministicMath.${name} has the same 20,000 results everywhere`, () => {
    return DeterministicMathVectors.resultHash(name) === DeterministicMathVectors.golden[name]
  })
}

for (const [length, hash] of Blake3Vectors.vectors) {
  await check(`BLAKE3 of ${length} bytes`, () => ContentId.of(Blake3Vectors.inputOf(length)) === hash)
}

for (const { secret, publicKey, message, signature } of Ed25519Vectors.vectors) {
  await check(`Ed25519 of the key ${publicKey}`, () => {
    const pair = Identity.keyPairFromSeed(fromHex(secret))
    return (
      toHex(Identity.decodePublicKey(pair.publicKey)) === publicKey &&
      toHex(Identity.sign(pair, fromHex(message))) === signature &&
      Identity.verify(pair.publicKey, fromHex(message), fromHex(signature))
    )
  })
}

for (const [value, hex] of CodecVectors.vectors) {
  await check(`MessagePack ${hex}`, () => {
    const decoded = Effect.runSync(Codec.decode(fromHex(hex)))
    return toHex(Codec.encode(value)) === hex && toHex(Codec.encode(decoded)) === hex
  })
}

await check("hostile MessagePack is refused and overflows no stack", () => {
  for (const bytes of [fromHex("ddffffffff"), new Uint8Array(1_000_000).fill(0x91)]) {
    if (Effect.runSync(Effect.flip(Codec.decode(bytes)))._tag !== "BytesMalformed") return false
  }
  return true
})

await check("the bytes of an envelope", () => {
  const envelope: Envelope.Envelope = {
    version: 1,
    id: { stream: "s", sequence: 7 },
    kind: "ask",
    to: Address.make("persona", "Teacher AI 🙂"),
    message: "hear",
    payload: { text: "grüß", n: -1.5, bytes: new Uint8Array([0, 255]) },
    deadlineMs: 1500
  }
  const bytes = Effect.runSync(Envelope.encode(envelope))
  const again = Effect.runSync(Effect.flatMap(Envelope.decode(bytes), Envelope.encode))
  const hash = ContentId.of(bytes)
  if (hash !== "0e740e8a94c59ac590a8741f70b1b78f7ddfe6fa2f8af852d54af780747bf21c") throw new Error(`hash ${hash}`)
  return toHex(again) === toHex(bytes)
})

for (const { name, check: law } of ContentStoreLaws.laws) {
  await check(`the store in memory: ${name}`, () => Effect.runPromise(Effect.provide(law, ContentStore.layerMemory)))
  await check(`the store on a disk: ${name}`, async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "continuum-content-"))
    const layer = ContentStoreDisk.layer(directory).pipe(Layer.provide(NodeFileSystem.layer))
    try {
      await Effect.runPromise(Effect.provide(law, layer))
    } finally {
      fs.rmSync(directory, { recursive: true, force: true })
    }
  })
}

for (const { name, check: law } of MeterLaws.laws) {
  await check(`the meter in memory: ${name}`, () =>
    Effect.runPromise(Effect.provide(law, Meter.layerMemory(MeterLaws.accountsMax)))
  )
}

report()
