/** `actors.*`: shows and reaches the actors of this node, and of those of other nodes that grant it. */
import { AddressUnknown, MigrationRefused } from "@continuum/actors/ActorError"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { type Maintenance, StorageFailed } from "@continuum/actors/ActorStorage"
import { ActorRpcs } from "@continuum/actors/rpc"
import * as Address from "@continuum/core/Address"
import { Delivery } from "@continuum/core/Delivery"
import { PeerDirectory } from "@continuum/core/PeerDirectory"
import { PeerUnreachable } from "@continuum/core/Transport"
import { Effect, Stream } from "effect"
import { isAbsolute } from "node:path"
import * as ActorManagement from "../ActorManagement.ts"
import * as ActorWatch from "../ActorWatch.ts"
import { EventWatch } from "../EventWatch.ts"
import { Home } from "../Home.ts"
import * as NodeActor from "../NodeActor.ts"
import { NodeInfo } from "../NodeInfo.ts"

export const layer = ActorRpcs.toLayer(
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const directory = yield* PeerDirectory
    const delivery = yield* Delivery
    const home = yield* Home
    const info = yield* NodeInfo
    const events = yield* EventWatch
    const own = home.identity.realm.publicKey

    const isOwn = (realm: string) => realm === Address.localRealm || realm === own || realm === info.name

    /** The actor of the node of a realm. */
    const nodeOf = (realm: string) =>
      system.at(NodeActor.NodeActor, Address.format(Address.make("node", NodeActor.name, realm)))

    /** The same for a peer as `--mesh` names it. */
    const nodeNamed = Effect.fnUntraced(function* (peer: string) {
      const { realm } = yield* directory.find(peer)
      if (realm === undefined) return yield* new PeerUnreachable({ peer, reason: "it was never connected" })
      return { realm, node: nodeOf(realm) }
    })

    const inRealm =
      (realm: string) =>
      <A extends { readonly address: string }>(found: A): A => ({ ...found, address: withRealm(found.address, realm) })

    /** An address of this realm, however it is written, as the system's own. */
    const localised = (address: Address.Address) => Address.format({ ...address, realm: Address.localRealm })

    const isLocal = (mesh: string | undefined): mesh is undefined | "local" =>
      mesh === undefined || mesh === "local" || isOwn(mesh)

    const withFiles = <A>(use: (maintenance: Maintenance) => Effect.Effect<A, StorageFailed>) =>
      system.maintenance === undefined
        ? Effect.fail(new StorageFailed({ reason: "this node keeps no files" }))
        : use(system.maintenance)

    /** A lent actor with the name of the peer that has it. */
    const withHost = <A extends { readonly node: string }>(found: A): Effect.Effect<A> =>
      found.node === info.name
        ? Effect.succeed(found)
        : Effect.match(directory.find(found.node), {
            onFailure: () => found,
            onSuccess: ({ name }) => (name === "" ? found : { ...found, node: name })
          })

    const inspect = Effect.fnUntraced(function* (parsed: Address.Address) {
      if (isOwn(parsed.realm)) return yield* Effect.flatMap(system.inspect(localised(parsed)), withHost)
      const realm = yield* delivery.realmOf(parsed.realm)
      return yield* nodeOf(realm)
        .inspect({ address: localised(parsed) })
        .pipe(Effect.map(inRealm(realm)), unknownInRealm(realm))
    })

    return {
      "actors.list": ({ kind, mesh }) =>
        isLocal(mesh)
          ? Effect.flatMap(system.list(kind), (actors) => Effect.forEach(actors, withHost))
          : Effect.gen(function* () {
              const { node, realm } = yield* nodeNamed(mesh)
              const found = yield* node.list(kind === undefined ? {} : { kind })
              return found.map(inRealm(realm))
            }),
      "actors.inspect": ({ address }) => Effect.flatMap(Address.parse(address), inspect),
      "actors.ask": ({ address, messageName, payload }) => system.askUnknown(address, messageName, payload),
      "actors.restart": Effect.fnUntraced(function* ({ address }) {
        const parsed = yield* Address.parse(address)
        if (isOwn(parsed.realm)) return yield* system.restart(localised(parsed))
        const realm = yield* delivery.realmOf(parsed.realm)
        return yield* nodeOf(realm)
          .restart({ address: localised(parsed) })
          .pipe(Effect.map(inRealm(realm)), unknownInRealm(realm))
      }),
      "actors.stop": Effect.fnUntraced(function* ({ address }) {
        const parsed = yield* Address.parse(address)
        if (isOwn(parsed.realm)) return yield* ActorManagement.stop(system, localised(parsed))
        const realm = yield* delivery.realmOf(parsed.realm)
        return yield* nodeOf(realm)
          .stop({ address: localised(parsed) })
          .pipe(Effect.map(inRealm(realm)), unknownInRealm(realm))
      }),
      "actors.forget": Effect.fnUntraced(function* ({ address }) {
        const parsed = yield* Address.parse(address)
        if (isOwn(parsed.realm)) yield* ActorManagement.forget(system, localised(parsed))
        else {
          const realm = yield* delivery.realmOf(parsed.realm)
          yield* unknownInRealm(realm)(nodeOf(realm).forget({ address: localised(parsed) }))
        }
        return { address }
      }),
      "actors.watch": ({ address }) =>
        Stream.unwrap(
          Effect.map(Address.parse(address), (parsed) =>
            ActorWatch.watch(
              events.watch(isOwn(parsed.realm) ? undefined : parsed.realm, ["actors"]),
              localised(parsed),
              inspect(parsed)
            )
          )
        ),
      "actors.migrate": Effect.fnUntraced(function* ({ address, to }) {
        const parsed = yield* Address.parse(address)
        if (!isOwn(parsed.realm)) {
          return yield* new MigrationRefused({ address, to, reason: "its home is another node; move it from there" })
        }
        const own = localised(parsed)
        yield* system.migrate(own, to)
        return yield* Effect.flatMap(system.inspect(own), withHost)
      }),
      "actors.backup": ({ folder = home.backupsPath }) =>
        isAbsolute(folder)
          ? withFiles(({ backup }) => backup(folder))
          : Effect.fail(new StorageFailed({ reason: `${folder} is no absolute path on the machine of the node` })),
      "actors.compact": () => withFiles(({ compact }) => compact),
      "actors.deadletters": ({ mesh }) =>
        isLocal(mesh)
          ? system.deadLetters
          : Effect.gen(function* () {
              const { node, realm } = yield* nodeNamed(mesh)
              const found = yield* node.deadletters({})
              return found.map(inRealm(realm))
            })
    }
  })
)

const localPrefix = `continuum://${Address.localRealm}/`

const withRealm = (address: string, realm: string) =>
  address.startsWith(localPrefix) ? `continuum://${realm}/${address.slice(localPrefix.length)}` : address

/** What a node says of its own addresses, as they are written here. */
const unknownInRealm =
  (realm: string) =>
  <A, E, R>(asked: Effect.Effect<A, E, R>) =>
    Effect.mapError(asked, (error) =>
      error instanceof AddressUnknown
        ? new AddressUnknown({
            address: withRealm(error.address, realm),
            nearest: error.nearest.map((near) => withRealm(near, realm))
          })
        : error
    )
