/**
 * Ed25519 keys (RFC 8032) and their text form, z-base-32 (https://philzimmermann.com/docs/human-oriented-base-32-encoding.txt).
 *
 * A node has two: its node key says which process speaks (the mesh's Noise handshake, receipts), its realm key says
 * which trust domain owns an address. A secret never leaves this module except by `secretBytes`, and prints as
 * `<redacted>`. Where the keys live and what their loss means: docs/PROTOCOL.md.
 */
import { ed25519 } from "@noble/curves/ed25519.js"
import { bytesToHex, hexToBytes } from "@noble/curves/utils.js"
import { Effect, Redacted, Schema } from "effect"

/** The text is no public key. */
export class PublicKeyMalformed extends Schema.TaggedError<PublicKeyMalformed>()("PublicKeyMalformed", {
  input: Schema.String
}) {
  override get message() {
    return `"${this.input.slice(0, 80)}" is not a public key: it must be 52 characters of z-base-32 (${alphabet})`
  }
}

/** The bytes are no identity that this version can read. */
export class IdentityMalformed extends Schema.TaggedError<IdentityMalformed>()("IdentityMalformed", {
  reason: Schema.String
}) {
  override get message() {
    return `The identity cannot be read: ${this.reason}`
  }
}

const alphabet = "ybndrfg8ejkmcpqxot1uwisza345h769"
const keyBytes = 32
const publicKeyPattern = new RegExp(`^[${alphabet}]{52}$`)

/** A 32-byte Ed25519 public key as 52 characters of z-base-32: fits an address, and a person can read it aloud. */
export const PublicKey = Schema.String.check(
  Schema.makeFilter((text) => (isPublicKeyText(text) ? undefined : "52 characters of z-base-32"))
).pipe(Schema.brand("PublicKey"))
export type PublicKey = typeof PublicKey.Type

/** A key pair. The secret prints as `<redacted>`. */
export interface KeyPair {
  readonly publicKey: PublicKey
  /** The 32-byte Ed25519 seed. */
  readonly secret: Redacted.Redacted<Uint8Array>
}

/** The two keys of a node. */
export interface Identity {
  readonly node: KeyPair
  readonly realm: KeyPair
}

/** The key pair of a 32-byte seed. Throws on another length: a broken invariant of the caller. */
export const keyPairFromSeed = (seed: Uint8Array): KeyPair => {
  if (seed.length !== keyBytes) throw new RangeError(`An Ed25519 seed has ${keyBytes} bytes, not ${seed.length}`)
  return { publicKey: encodePublicKey(ed25519.getPublicKey(seed)), secret: Redacted.make(seed.slice()) }
}

/** A new identity from the platform's cryptographic randomness. The only chance in this package that no seed replays. */
export const generate: Effect.Effect<Identity> = Effect.sync(() => ({
  node: keyPairFromSeed(ed25519.utils.randomSecretKey()),
  realm: keyPairFromSeed(ed25519.utils.randomSecretKey())
}))

/** Signature of 64 bytes over a message. */
export const sign = (key: KeyPair, message: Uint8Array): Uint8Array => ed25519.sign(message, Redacted.value(key.secret))

/** Whether the signature is this key's over this message, by the strict rules of RFC 8032. Never throws. */
export const verify = (publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): boolean => {
  try {
    return ed25519.verify(signature, message, decodePublicKey(publicKey), { zip215: false })
  } catch {
    return false
  }
}

/** Reads a public key as a person gives it. Fails with `PublicKeyMalformed`. */
export const parsePublicKey = (input: string): Effect.Effect<PublicKey, PublicKeyMalformed> =>
  Schema.is(PublicKey)(input) ? Effect.succeed(input) : Effect.fail(new PublicKeyMalformed({ input }))

/** The 32 bytes of a key. */
export const decodePublicKey = (publicKey: PublicKey): Uint8Array => {
  const bytes = new Uint8Array(keyBytes)
  let bits = 0
  let bitCount = 0
  let at = 0
  for (const character of publicKey) {
    bits = (bits << 5) | alphabet.indexOf(character)
    bitCount += 5
    if (bitCount >= 8 && at < keyBytes) {
      bitCount -= 8
      bytes[at++] = (bits >>> bitCount) & 0xff
      bits &= (1 << bitCount) - 1
    }
  }
  return bytes
}

/** The text of 32 bytes. */
export const encodePublicKey = (bytes: Uint8Array): PublicKey => {
  let text = ""
  let bits = 0
  let bitCount = 0
  for (const byte of bytes) {
    bits = (bits << 8) | byte
    bitCount += 8
    while (bitCount >= 5) {
      bitCount -= 5
      text += alphabet[(bits >>> bitCount) & 31]
    }
    bits &= (1 << bitCount) - 1
  }
  if (bitCount > 0) text += alphabet[(bits << (5 - bitCount)) & 31]
  return text as PublicKey
}

const Stored = Schema.fromJsonString(
  Schema.Struct({ version: Schema.Literal(1), node: Schema.String, realm: Schema.String })
)

/** The text of the identity file: JSON with both seeds in hexadecimal. Secret: the file must be 0600. */
export const toFile = (identity: Identity): string =>
  `${JSON.stringify({ version: 1, node: seedHex(identity.node), realm: seedHex(identity.realm) })}\n`

/** Reads the identity file. Fails with `IdentityMalformed`, which never repeats what the file holds. */
export const fromFile = (text: string): Effect.Effect<Identity, IdentityMalformed> =>
  Schema.decodeUnknownEffect(Stored)(text).pipe(
    Effect.mapError(() => new IdentityMalformed({ reason: "it is not the JSON of an identity of version 1" })),
    Effect.flatMap(({ node, realm }) =>
      [node, realm].every((seed) => /^[0-9a-f]{64}$/.test(seed))
        ? Effect.succeed({ node: keyPairFromSeed(hexToBytes(node)), realm: keyPairFromSeed(hexToBytes(realm)) })
        : Effect.fail(new IdentityMalformed({ reason: "a seed is not 64 hexadecimal digits" }))
    )
  )

// A canonical encoding has only zero bits after the 256 bits of the key: 52 * 5 = 260.
const isPublicKeyText = (text: string): boolean =>
  publicKeyPattern.test(text) && (alphabet.indexOf(text[51]!) & 15) === 0

const seedHex = (key: KeyPair): string => bytesToHex(Redacted.value(key.secret))
