import { describe, expect, it } from "@effect/vitest"
import { blake3 } from "@noble/hashes/blake3.js"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import * as ContentId from "../src/ContentId.ts"
import * as Blake3Vectors from "./vectors/Blake3Vectors.ts"
import { toHex } from "./vectors/Ed25519Vectors.ts"

describe("ContentId.of", () => {
  it.each(Blake3Vectors.vectors)("gives the published BLAKE3 hash of %i bytes", (length, hash) => {
    expect(ContentId.of(Blake3Vectors.inputOf(length))).toBe(hash)
  })

  it("agrees with a second implementation on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
        expect(ContentId.of(bytes)).toBe(toHex(blake3(bytes)))
      })
    )
  })

  it("hashes a text as its UTF-8 bytes", () => {
    expect(ContentId.of("grüß 🙂")).toBe(ContentId.of(new TextEncoder().encode("grüß 🙂")))
  })

  it("hashes a part of a larger buffer as if it were alone", () => {
    const buffer = Blake3Vectors.inputOf(5000)
    expect(ContentId.of(buffer.subarray(1000, 3000))).toBe(ContentId.of(buffer.slice(1000, 3000)))
  })
})

describe("ContentId.verify", () => {
  it("is true for these bytes and false for others", () => {
    const bytes = Blake3Vectors.inputOf(1025)
    const id = ContentId.of(bytes)
    expect(ContentId.verify(id, bytes)).toBe(true)
    bytes[1024]! ^= 1
    expect(ContentId.verify(id, bytes)).toBe(false)
  })
})

describe("ContentId.parse", () => {
  const id = ContentId.of("content")

  it("accepts what b3sum prints, capitals and the prefix blake3:", () => {
    for (const text of [id, id.toUpperCase(), `blake3:${id}`, `BLAKE3:${id.toUpperCase()}`]) {
      expect(Effect.runSync(ContentId.parse(text))).toBe(id)
    }
  })

  it.each(["", id.slice(1), `${id}0`, `${id.slice(1)}g`, ` ${id}`, `sha256:${id}`, `${id}\n`])(
    "refuses %j and says what is right",
    (text) => {
      const error = Effect.runSync(Effect.flip(ContentId.parse(text)))
      expect(error).toBeInstanceOf(ContentId.ContentIdMalformed)
      expect(error.message).toContain("64 hexadecimal digits")
    }
  )

  it("is strict where bytes come from a peer: the schema takes lower case only", () => {
    expect(Schema.is(ContentId.ContentId)(id)).toBe(true)
    expect(Schema.is(ContentId.ContentId)(id.toUpperCase())).toBe(false)
    expect(Schema.is(ContentId.ContentId)(`${id}\n`)).toBe(false)
  })
})
