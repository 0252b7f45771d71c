/**
 * The greeting with which each side of a connection begins: version, network, realm, name, abilities, protocols.
 *
 * The transport has proven the node key. The greeting proves two things more, for this connection and this side of it
 * only: that the node holds its realm's secret key, and that it knows the id of the network, which it does not tell.
 * docs/PROTOCOL.md has the bytes.
 */
import * as Codec from "@continuum/core/Codec"
import * as ContentId from "@continuum/core/ContentId"
import * as Identity from "@continuum/core/Identity"
import type { Connection } from "@continuum/core/Transport"
import { Effect, Exit, Schema } from "effect"
import * as Limits from "./Limits.ts"
import { HandshakeMalformed, NetworkDiffers, VersionUnsupported } from "./MeshError.ts"

/** The version of the mesh protocol. Another is refused. */
export const version = 1

const printable = /^[^\p{C}]*$/u
/** 1 to `lengthMax` characters, all of them printable, on one line: what a peer says of itself is shown to people. */
export const Label = (lengthMax: number) =>
  Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(lengthMax), Schema.isPattern(printable))
const Bytes = (length: number) =>
  Schema.Uint8Array.check(Schema.makeFilter((bytes) => (bytes.length === length ? undefined : `${length} bytes`)))

/** A text made fit to be a `Label`. */
export const labelOf = (text: string, lengthMax: number): string =>
  text
    .replaceAll(/\p{C}+/gu, " ")
    .slice(0, lengthMax)
    .toWellFormed() || "?"

/** Whether a text can be the name of a node or of a protocol. */
export const isLabel = Schema.is(Label(Limits.nameLengthMax))

/** What a node says of itself. */
export const Greeting = Schema.Struct({
  /** The name that it gives itself: 1 to `Limits.nameLengthMax` printable characters. */
  name: Label(Limits.nameLengthMax),
  /** Languages that it compiles, as it says. */
  capabilities: Schema.Array(Label(Limits.capabilityLengthMax)).check(Schema.isMaxLength(Limits.capabilitiesMax)),
  /** UDP port at which it listens; 0 when it does not say. */
  port: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })),
  /** 16 bytes that are new with every start of a process: tells a restart from a copy. */
  instance: Bytes(16),
  /** Names of the protocols that it speaks; their places, from 1, are the numbers of their channels in frames to it. */
  protocols: Schema.Array(Label(Limits.nameLengthMax)).check(Schema.isMaxLength(Limits.protocolsMax)),
  /** Key of its realm. */
  realm: Identity.PublicKey
})
export type Greeting = typeof Greeting.Type

const Wire = Schema.Struct({ ...Greeting.fields, network: Bytes(32), signature: Bytes(64) })
const decodeWire = Schema.decodeUnknownEffect(Wire)

/** Greetings that are not accepted. */
export type Refusal = VersionUnsupported | NetworkDiffers | HandshakeMalformed

/** The bytes of this node's greeting on a connection: the version, then MessagePack. */
export const encode = (
  greeting: Omit<Greeting, "realm">,
  identity: Identity.Identity,
  networkId: Uint8Array,
  connection: Connection
): Uint8Array => {
  const proof = proofOf(identity.node.publicKey, connection.initiator, connection.handshakeHash)
  const body = Codec.encode({
    ...greeting,
    realm: identity.realm.publicKey,
    network: networkProof(networkId, proof),
    signature: Identity.sign(identity.realm, proof)
  })
  const bytes = new Uint8Array(1 + body.length)
  bytes[0] = version
  bytes.set(body, 1)
  return bytes
}

/** Reads and verifies the peer's greeting. */
export const decode = (
  bytes: Uint8Array,
  networkId: Uint8Array,
  connection: Connection
): Exit.Exit<Greeting, Refusal> => {
  const { peer } = connection
  const malformed = (reason: string) => Exit.fail(new HandshakeMalformed({ peer, reason }))
  if (bytes.length > Limits.helloBytesMax) return malformed(`its greeting has ${bytes.length} bytes`)
  const theirs = bytes[0]
  if (theirs === undefined) return malformed("its greeting is empty")
  if (theirs !== version) return Exit.fail(new VersionUnsupported({ peer, version: theirs, supported: version }))
  const wire = Effect.runSyncExit(Effect.flatMap(Codec.decode(bytes.subarray(1)), decodeWire))
  if (Exit.isFailure(wire)) return malformed("its greeting does not have the form of version 1")
  const { network, signature, ...greeting } = wire.value
  const proof = proofOf(peer, !connection.initiator, connection.handshakeHash)
  if (!sameBytes(network, networkProof(networkId, proof))) return Exit.fail(new NetworkDiffers({ peer }))
  if (!Identity.verify(greeting.realm, proof, signature)) return malformed("it does not hold the key of its realm")
  if (new Set(greeting.protocols).size !== greeting.protocols.length) return malformed("it names a protocol twice")
  return Exit.succeed(greeting)
}

const domain = new TextEncoder().encode("continuum/handshake/1\0")

/** What a side signs: it fits no other connection, no other node, and not the other side. */
const proofOf = (node: Identity.PublicKey, initiator: boolean, handshakeHash: Uint8Array): Uint8Array =>
  concat([domain, new Uint8Array([initiator ? 1 : 0]), Identity.decodePublicKey(node), handshakeHash])

/** Shows that the id of the network is known, without telling it to whoever does not know it. */
const networkProof = (networkId: Uint8Array, proof: Uint8Array): Uint8Array =>
  Uint8Array.from(ContentId.of(concat([networkId, proof])).match(/../g)!, (hex) => Number.parseInt(hex, 16))

const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index])
