/**
 * The port `Delivery` of a mesh: the envelope of a realm goes to the channel of the node that has proven to be of it, which is
 * dialled when there is none.
 */
import { localRealm } from "@continuum/core/Address"
import type { Delivery, DeliveryError } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import type { PublicKey } from "@continuum/core/Identity"
import { dialTimeoutMs } from "@continuum/core/Limits"
import { PeerUnreachable } from "@continuum/core/Transport"
import { Effect, Stream } from "effect"
import type { EnvelopeChannel } from "./EnvelopeChannel.ts"
import type { MeshDial } from "./MeshDial.ts"
import type { MeshNode } from "./MeshNode.ts"
import { isPublicKey } from "./Peers.ts"

export const make = (node: MeshNode, dial: MeshDial): Delivery["Service"] => {
  const { peers } = node
  const ownRealm = node.identity.realm.publicKey

  const realmOf = (realm: string): Effect.Effect<PublicKey, PeerUnreachable> => {
    if (realm === localRealm || realm === ownRealm) return Effect.succeed(ownRealm)
    if (peers.sessionOfRealm(realm as PublicKey) !== undefined) return Effect.succeed(realm as PublicKey)
    if (isPublicKey(realm)) return Effect.succeed(peers.get(realm)?.realm ?? realm)
    return Effect.flatMap(Effect.fromResult(peers.find(realm)), (peer) =>
      peer.realm === undefined
        ? Effect.fail(new PeerUnreachable({ peer: realm, reason: "it was never connected, so its realm is unknown" }))
        : Effect.succeed(peer.realm)
    )
  }

  /** The channel to the realm of an envelope, dialling its node when there is none. */
  const channelTo = ({ deadlineMs, to }: Envelope): Effect.Effect<EnvelopeChannel, PeerUnreachable> => {
    const realm = to.realm as PublicKey
    const unreachable = (reason: string) => Effect.fail(new PeerUnreachable({ peer: realm, reason }))
    const dialled = peers.nodeOfRealm(realm)
    if (dialled === undefined) return unreachable("this node knows no peer of this realm; add it with peers/add")
    const connected = Effect.mapError(
      dial.connect(dialled, Math.min(deadlineMs ?? Infinity, dialTimeoutMs)),
      ({ peer, reason }) => new PeerUnreachable({ peer: named(peer, peers.get(dialled)?.name), reason })
    )
    return Effect.flatMap(connected, ({ envelopes, greeting }) =>
      envelopes === undefined || greeting?.realm !== realm
        ? unreachable("the node that was of this realm no longer is")
        : Effect.succeed(envelopes)
    )
  }

  const connectedTo = ({ to }: Envelope): EnvelopeChannel | undefined =>
    peers.sessionOfRealm(to.realm as PublicKey)?.envelopes

  const withChannel = <A>(
    envelope: Envelope,
    use: (channel: EnvelopeChannel) => Effect.Effect<A, DeliveryError>
  ): Effect.Effect<A, DeliveryError> =>
    Effect.suspend(() => {
      const channel = connectedTo(envelope)
      return channel === undefined ? Effect.flatMap(channelTo(envelope), use) : use(channel)
    })

  return {
    realmOf,
    ask: (envelope) => withChannel(envelope, (channel) => channel.ask(envelope)),
    askNow: (envelope, settle) => connectedTo(envelope)?.askNow(envelope, settle),
    stream: (envelope) => Stream.unwrap(withChannel(envelope, (channel) => Effect.succeed(channel.stream(envelope)))),
    tell: (envelope) => withChannel(envelope, (channel) => channel.tell(envelope)),
    serve: (receiver) => Effect.sync(() => node.serve(receiver))
  }
}

/** A peer as people know it. */
const named = (key: string, name = ""): string => (name === "" ? key : `${name} (${key})`)
