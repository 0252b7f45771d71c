/**
 * Personas of other nodes: which there are, and their answers, as they stream from there.
 *
 * A request goes one hop: the node asked asks no other. What its answer says of node and key is not believed: the connection has
 * proved the key.
 */
import type { ActorError } from "@continuum/actors/ActorError"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import type { RemoteError } from "@continuum/actors/RemoteError"
import * as Address from "@continuum/core/Address"
import { type Peer, PeerDirectory } from "@continuum/core/PeerDirectory"
import { PeerUnreachable } from "@continuum/core/Transport"
import { Effect, Option, Stream } from "effect"
import * as Limits from "./Limits.ts"
import type { PersonaError } from "./PersonaError.ts"
import * as PersonasActor from "./PersonasActor.ts"
import type { AiChunk, PersonaSummary } from "./rpc.ts"

export interface PeerPersonas {
  readonly peer: Peer
  readonly personas: ReadonlyArray<PersonaSummary>
}

export interface Elsewhere {
  /** The personas of the peer of this name or key; their addresses are of its realm. */
  readonly list: (peer: string) => Effect.Effect<ReadonlyArray<PersonaSummary>, ActorError | RemoteError>
  /** The answer of a persona there. Whoever stops reading stops the work. */
  readonly generate: (
    peer: string,
    question: PersonasActor.Question
  ) => Stream.Stream<AiChunk, PersonaError | RemoteError>
  /** The personas of every connected peer that holds a grant here and lets this node ask; those that do not answer are left out. */
  readonly all: Effect.Effect<ReadonlyArray<PeerPersonas>>
}

/** Through the mesh that this process has; without one nobody is elsewhere. */
export const make = Effect.fnUntraced(function* (definition: PersonasActor.PersonasActor) {
  const system = yield* ActorSystem
  const directory = Option.getOrUndefined(yield* Effect.serviceOption(PeerDirectory))

  const find = (name: string): Effect.Effect<Peer, PeerUnreachable> =>
    directory === undefined
      ? Effect.fail(new PeerUnreachable({ peer: name, reason: "this node takes part in no mesh" }))
      : directory.find(name)

  const door = ({ name, publicKey, realm }: Peer) =>
    realm === undefined
      ? Effect.fail(new PeerUnreachable({ peer: name || publicKey, reason: "it has not been met yet" }))
      : Effect.succeed(
          system.at(definition, Address.format(Address.make(PersonasActor.kind, PersonasActor.name, realm)))
        )

  const listOf = Effect.fn("Elsewhere.list")(function* (peer: Peer) {
    const list = yield* Effect.flatMap(door(peer), (at) => at.list())
    return list.map((one) => ({ ...one, address: inRealm(one.address, peer.realm!) }))
  })

  const all = Effect.gen(function* () {
    const peers = directory === undefined ? [] : yield* directory.peers
    const asked = yield* Effect.forEach(
      peers.filter(({ connected, grants }) => connected && grants.length > 0),
      (peer) =>
        listOf(peer).pipe(
          Effect.timeout(Limits.peerListTimeoutMs),
          Effect.option,
          Effect.map(Option.map((personas): PeerPersonas => ({ peer, personas })))
        ),
      { concurrency: "unbounded" }
    )
    return asked.flatMap(Option.toArray)
  })

  return {
    list: (name) => Effect.flatMap(find(name), listOf),
    generate: (name, question) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const peer = yield* find(name)
          const at = yield* door(peer)
          const { publicKey: nodeKey } = peer
          return Stream.map(at.generate(question), (chunk): AiChunk =>
            chunk._tag === "Text" ? chunk : { ...chunk, node: peer.name || nodeKey, nodeKey }
          )
        })
      ),
    // Clients ask for the models again and again; a peer that refuses counts each time.
    all: yield* Effect.cachedWithTTL(all, Limits.peerListMs)
  } satisfies Elsewhere
})

const localPrefix = `continuum://${Address.localRealm}/`

const inRealm = (address: string, realm: string): string =>
  address.startsWith(localPrefix) ? `continuum://${realm}/${address.slice(localPrefix.length)}` : address
