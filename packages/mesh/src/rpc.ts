/**
 * The part of a node's RPC contract that shows and grants peers. Schemas only.
 */
import { Action, Peer } from "@continuum/core/PeerDirectory"
import { PeerUnreachable } from "@continuum/core/Transport"
import { GrantNotStored } from "./GrantStore.ts"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

/** This node takes part in no mesh: it was told not to, or the mesh cannot start. */
export class MeshOff extends Schema.TaggedError<MeshOff>()("MeshOff", { reason: Schema.String }) {
  override get message() {
    return `This node takes part in no mesh: ${this.reason}`
  }
}

/** The text names no peer: neither a public key, nor `host:port`, nor the name of one that is known. */
export class PeerMalformed extends Schema.TaggedError<PeerMalformed>()("PeerMalformed", {
  input: Schema.String,
  /** What is wrong with it, when that is clear. */
  reason: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    const reason = this.reason === undefined ? "" : `${this.reason}; `
    return (
      `"${this.input}" names no peer: ${reason}give its public key (./jtag status prints it there), the host:port of its URL, ` +
      "or the name of a peer that peers/list shows"
    )
  }
}

const errors = Schema.Union([MeshOff, PeerMalformed, PeerUnreachable, GrantNotStored])

const grantedMax = Action.literals.length

export class MeshRpcs extends RpcGroup.make(
  /** Connected peers first, then those that hold a grant. */
  Rpc.make("peers.list", { success: Schema.Array(Peer) }),
  /**
   * Connects to a node, by its public key, its name or the `host:port` of its URL, and grants it exactly these actions
   * here, by default all. Both outlive restarts. Nothing changes when it cannot be reached.
   */
  Rpc.make("peers.add", {
    payload: {
      peer: Schema.String,
      grant: Schema.optionalKey(Schema.Array(Action).check(Schema.isMinLength(1), Schema.isMaxLength(grantedMax)))
    },
    success: Peer,
    error: errors
  }),
  /** Takes back what a peer was granted, and no longer connects to it. What it was. */
  Rpc.make("peers.remove", { payload: { peer: Schema.String }, success: Peer, error: errors })
) {}
