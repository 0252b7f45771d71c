import { describe, expect, it, vi } from "@effect/vitest"
import { Effect, Exit, Redacted, Schema } from "effect"
import fc from "fast-check"
import { inspect } from "node:util"
import * as Codec from "../src/Codec.ts"
import * as Identity from "../src/Identity.ts"
import { fromHex, toHex, vectors } from "./vectors/Ed25519Vectors.ts"

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })
const key = Identity.keyPairFromSeed(new Uint8Array(32).fill(7))

describe("signatures", () => {
  it.each(vectors)("are those of RFC 8032 for the key $publicKey", ({ secret, publicKey, message, signature }) => {
    const pair = Identity.keyPairFromSeed(fromHex(secret))
    expect(toHex(Identity.decodePublicKey(pair.publicKey))).toBe(publicKey)
    expect(toHex(Identity.sign(pair, fromHex(message)))).toBe(signature)
    expect(Identity.verify(pair.publicKey, fromHex(message), fromHex(signature))).toBe(true)
  })

  it("fail for another message, another key and any flipped bit", () => {
    const message = new TextEncoder().encode("give 5 to bob")
    const signature = Identity.sign(key, message)
    const other = Identity.keyPairFromSeed(new Uint8Array(32).fill(8))
    expect(Identity.verify(key.publicKey, message, signature)).toBe(true)
    expect(Identity.verify(key.publicKey, new TextEncoder().encode("give 6 to bob"), signature)).toBe(false)
    expect(Identity.verify(other.publicKey, message, signature)).toBe(false)
    for (let bit = 0; bit < 512; bit += 13) {
      const tampered = signature.slice()
      tampered[bit >> 3]! ^= 1 << (bit & 7)
      expect(Identity.verify(key.publicKey, message, tampered), `bit ${bit}`).toBe(false)
    }
  })

  it("have one form: S above the order of the group is refused", () => {
    const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n
    const message = fromHex("af82")
    const signature = Identity.sign(key, message)
    const s = BigInt(`0x${toHex(signature.slice(32).toReversed())}`) + order
    const malleable = signature.slice()
    malleable.set(fromHex(s.toString(16).padStart(64, "0")).toReversed(), 32)
    expect(Identity.verify(key.publicKey, message, malleable)).toBe(false)
  })

  it("by a key of small order, which fits any message, are refused", () => {
    const identityPoint = new Uint8Array(32)
    identityPoint[0] = 1
    const signature = new Uint8Array(64)
    signature[0] = 1
    expect(Identity.verify(Identity.encodePublicKey(identityPoint), new Uint8Array(3), signature)).toBe(false)
  })

  it("of the wrong length, and keys that are no point of the curve, are false and never throw", () => {
    fc.assert(
      fc.property(seeds, fc.uint8Array({ maxLength: 70 }), (bytes, signature) => {
        expect(Identity.verify(Identity.encodePublicKey(bytes), new Uint8Array(1), signature)).toBe(false)
      })
    )
    expect(Identity.verify("" as Identity.PublicKey, new Uint8Array(0), new Uint8Array(64))).toBe(false)
  })
})

describe("the text of a public key", () => {
  /** z-base-32 by its definition: the bits in groups of five, the last filled with zeros. */
  const encoded = (bytes: Uint8Array) =>
    (BigInt(`0x0${toHex(bytes)}`) << 4n)
      .toString(32)
      .padStart(52, "0")
      .replace(/./g, (digit) => "ybndrfg8ejkmcpqxot1uwisza345h769"[Number.parseInt(digit, 32)]!)

  it("is z-base-32 and comes back", () => {
    fc.assert(
      fc.property(seeds, (bytes) => {
        const text = Identity.encodePublicKey(bytes)
        expect(text).toBe(encoded(bytes))
        expect(Schema.is(Identity.PublicKey)(text)).toBe(true)
        expect(Effect.runSync(Identity.parsePublicKey(text))).toBe(text)
        expect(Identity.decodePublicKey(text)).toEqual(bytes)
      })
    )
  })

  it("can be the realm of an address", () => {
    expect(key.publicKey).toMatch(/^[a-z0-9]{52}$/)
  })

  it.each([
    "",
    key.publicKey.slice(1),
    `${key.publicKey}y`,
    key.publicKey.toUpperCase(),
    `l${key.publicKey.slice(1)}`,
    // The last character holds one bit of the key; the four bits after it must be zero.
    `${key.publicKey.slice(0, 51)}b`
  ])("%j is refused", (text) => {
    const error = Effect.runSync(Effect.flip(Identity.parsePublicKey(text)))
    expect(error).toBeInstanceOf(Identity.PublicKeyMalformed)
    expect(error.message).toContain("52 characters of z-base-32")
  })
})

describe("a secret", () => {
  const secretHex = toHex(Redacted.value(key.secret))
  const shown = (text: string) => text.includes(secretHex) || text.includes("7, 7, 7") || text.includes("7,7,7")

  it("is not shown by JSON, text, inspection, the console, logs, errors or MessagePack", () => {
    const identity: Identity.Identity = { node: key, realm: key }
    const printed: Array<string> = []
    const spies = (["log", "error", "warn", "info"] as const).map((method) =>
      vi.spyOn(console, method).mockImplementation((...args) => void printed.push(inspect(args, { depth: 10 })))
    )
    console.log(identity, key.secret)
    Effect.runSync(Effect.log(identity, key.secret))
    Effect.runSync(Effect.logError("failed with", { identity }))
    for (const spy of spies) spy.mockRestore()
    expect(printed.length).toBeGreaterThanOrEqual(3)
    const texts = [
      ...printed,
      JSON.stringify(identity),
      String(key.secret),
      `${key.secret}`,
      inspect(identity, { depth: 10, showHidden: true }),
      String(Exit.fail(identity)),
      JSON.stringify(Effect.runSync(Codec.decode(Codec.encode(identity))))
    ]
    for (const text of texts) expect(shown(text), text).toBe(false)
    expect(JSON.stringify(identity)).toContain("<redacted>")
  })

  it("is a copy: changing the seed afterwards changes nothing", () => {
    const seed = new Uint8Array(32).fill(9)
    const pair = Identity.keyPairFromSeed(seed)
    const before = Identity.sign(pair, seed)
    seed.fill(1)
    expect(Identity.sign(pair, new Uint8Array(32).fill(9))).toEqual(before)
  })

  it("has 32 bytes, or the program is wrong", () => {
    expect(() => Identity.keyPairFromSeed(new Uint8Array(31))).toThrow(RangeError)
    expect(() => Identity.keyPairFromSeed(new Uint8Array(33))).toThrow(/32 bytes, not 33/)
  })

  it("is new in every generated identity, for the node and for its realm", () => {
    const [a, b] = [Effect.runSync(Identity.generate), Effect.runSync(Identity.generate)]
    expect(new Set([a, b].flatMap(({ node, realm }) => [node.publicKey, realm.publicKey])).size).toBe(4)
  })
})

describe("the identity file", () => {
  it("brings back both keys", () => {
    fc.assert(
      fc.property(seeds, seeds, (node, realm) => {
        const identity = { node: Identity.keyPairFromSeed(node), realm: Identity.keyPairFromSeed(realm) }
        const read = Effect.runSync(Identity.fromFile(Identity.toFile(identity)))
        expect(read.node.publicKey).toBe(identity.node.publicKey)
        expect(Redacted.value(read.realm.secret)).toEqual(realm)
      }),
      { numRuns: 20 }
    )
  })

  const file = Identity.toFile({ node: key, realm: key })
  it.each([
    ["empty", ""],
    ["cut", file.slice(0, -20)],
    ["no JSON", `x${file}`],
    ["another version", file.replace('"version":1', '"version":2')],
    ["a missing key", file.replace('"realm"', '"kingdom"')],
    ["a seed cut short", file.replace(/"realm":"07/, '"realm":"')],
    ["a seed in capitals", file.replace(/0707"/g, '070A"')],
    ["a seed that is a number", file.replace(/"realm":"[0-9]+"/, '"realm":7070707')]
  ])("%s is refused without repeating what it holds", (_, text) => {
    const error = Effect.runSync(Effect.flip(Identity.fromFile(text)))
    expect(error).toBeInstanceOf(Identity.IdentityMalformed)
    for (const shownText of [
      error.message,
      JSON.stringify(error),
      inspect(error, { depth: 10 }),
      String(error.stack)
    ]) {
      expect(shownText).not.toMatch(/0707/)
    }
  })
})
