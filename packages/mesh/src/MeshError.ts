/**
 * Why a connection to another node is refused or given up. Each names the peer, and says what to do.
 */
import { PublicKey } from "@continuum/core/Identity"
import { Schema } from "effect"

/** The peer speaks another version of the protocol. */
export class VersionUnsupported extends Schema.TaggedError<VersionUnsupported>()("VersionUnsupported", {
  peer: PublicKey,
  version: Schema.Int,
  supported: Schema.Int
}) {
  override get message() {
    return (
      `${this.peer} speaks version ${this.version} of the mesh protocol, and this node version ${this.supported}: ` +
      `update the ${this.version < this.supported ? "other" : "own"} one`
    )
  }
}

/** The peer belongs to another network. */
export class NetworkDiffers extends Schema.TaggedError<NetworkDiffers>()("NetworkDiffers", { peer: PublicKey }) {
  override get message() {
    return `${this.peer} belongs to another network: start both nodes with the same one`
  }
}

/** What the peer sent to begin with is no greeting, or did not come in time. */
export class HandshakeMalformed extends Schema.TaggedError<HandshakeMalformed>()("HandshakeMalformed", {
  peer: PublicKey,
  reason: Schema.String
}) {
  override get message() {
    return `${this.peer} was not let in: ${this.reason}`
  }
}

/** Two processes run with one node key, most often because a data folder was copied. */
export class IdentityInUse extends Schema.TaggedError<IdentityInUse>()("IdentityInUse", {
  peer: PublicKey,
  /** Where the second one is, or was just before. */
  address: Schema.String,
  /** Whether the key is this node's own. */
  own: Schema.Boolean
}) {
  override get message() {
    const what = this.own ? "Another process runs with this node's key" : `Two processes run with the key ${this.peer}`
    return (
      `${what} (${this.address}): was a data folder copied? Stop one of them, and move the file "identity" out of its ` +
      "folder: it starts with a new key"
    )
  }
}

/** The peer broke the protocol after the handshake. Only its connection ends. */
export class PeerMisbehaved extends Schema.TaggedError<PeerMisbehaved>()("PeerMisbehaved", {
  peer: PublicKey,
  reason: Schema.String
}) {
  override get message() {
    return `The connection to ${this.peer} was ended: ${this.reason}`
  }
}

/** The other side ended the connection, and said why. */
export class PeerRefused extends Schema.TaggedError<PeerRefused>()("PeerRefused", {
  peer: PublicKey,
  /** Name of the reason, such as `NetworkDiffers`. */
  tag: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.peer} ended the connection: ${this.reason}`
  }
}

/** Everything that can be wrong with a connection. */
export const MeshProblem = Schema.Union([
  VersionUnsupported,
  NetworkDiffers,
  HandshakeMalformed,
  IdentityInUse,
  PeerMisbehaved,
  PeerRefused
])
export type MeshProblem = typeof MeshProblem.Type
