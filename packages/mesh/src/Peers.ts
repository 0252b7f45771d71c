/**
 * The peers of a node in memory: who is connected, who holds which grant, and whom a name or a key stands for.
 *
 * A name is what a peer calls itself. Peers that hold a grant come first, so that no stranger can take the name of one.
 */
import { PublicKey } from "@continuum/core/Identity"
import { peersMax } from "@continuum/core/Limits"
import * as Nearest from "@continuum/core/Nearest"
import type { Action, Peer } from "@continuum/core/PeerDirectory"
import { PeerUnreachable } from "@continuum/core/Transport"
import { Result, Schema } from "effect"
import type { Grant } from "./GrantStore.ts"
import type { Session } from "./Session.ts"

export const isPublicKey = Schema.is(PublicKey)

export class Peers {
  readonly grants: Map<PublicKey, Grant>
  /** Connected peers that have greeted, by node key. */
  readonly sessions: Map<PublicKey, Session>
  private readonly sessionsOfRealms: Map<PublicKey, Session>

  constructor(grants: ReadonlyArray<Grant>) {
    this.grants = new Map(grants.map((grant) => [grant.publicKey, grant]))
    this.sessions = new Map()
    this.sessionsOfRealms = new Map()
  }

  opened(session: Session): void {
    this.sessions.set(session.peer, session)
    this.sessionsOfRealms.set(session.greeting!.realm, session)
  }

  /** Whether it was the session of its peer. */
  ended(session: Session): boolean {
    const realm = session.greeting?.realm
    if (realm !== undefined && this.sessionsOfRealms.get(realm) === session) this.sessionsOfRealms.delete(realm)
    return this.sessions.get(session.peer) === session && this.sessions.delete(session.peer)
  }

  isGranted(peer: PublicKey, action: Action): boolean {
    return this.grants.get(peer)?.actions.includes(action) ?? false
  }

  /** The connected node of a realm. */
  sessionOfRealm(realm: PublicKey): Session | undefined {
    return this.sessionsOfRealms.get(realm)
  }

  /** The node to dial for a realm. */
  nodeOfRealm(realm: PublicKey): PublicKey | undefined {
    for (const grant of this.grants.values()) if (grant.realm === realm) return grant.publicKey
    return undefined
  }

  /** Undefined for a key that is neither connected nor granted anything. */
  get(publicKey: PublicKey): Peer | undefined {
    const session = this.sessions.get(publicKey)
    const grant = this.grants.get(publicKey)
    if (session === undefined && grant === undefined) return undefined
    const greeting = session?.greeting
    const realm = greeting?.realm ?? grant?.realm
    return {
      publicKey,
      ...(realm === undefined ? {} : { realm }),
      name: greeting?.name ?? grant?.name ?? "",
      address: session === undefined ? grant!.address : addressOf(session),
      rttMs: session?.rttMs ?? null,
      connected: session !== undefined,
      capabilities: greeting?.capabilities ?? [],
      scope: "mesh",
      grants: grant?.actions ?? []
    }
  }

  /** Connected ones first, then those that hold a grant; at most `peersMax`. */
  list(): ReadonlyArray<Peer> {
    return [...new Set([...this.sessions.keys(), ...this.grants.keys()])]
      .slice(0, peersMax)
      .map((publicKey) => this.get(publicKey)!)
  }

  /** By node key, realm key or name. */
  find(nameOrKey: string): Result.Result<Peer, PeerUnreachable> {
    const unreachable = (reason: string) => Result.fail(new PeerUnreachable({ peer: nameOrKey, reason }))
    if (isPublicKey(nameOrKey)) {
      const node = this.sessionsOfRealms.get(nameOrKey)?.peer ?? this.nodeOfRealm(nameOrKey)
      const peer = this.get(nameOrKey) ?? (node === undefined ? undefined : this.get(node))
      return peer === undefined
        ? unreachable("this node does not know it; add it with peers/add")
        : Result.succeed(peer)
    }
    const named = this.list().filter(({ name }) => name === nameOrKey)
    const granted = named.filter(({ publicKey }) => this.grants.has(publicKey))
    const [peer, second] = granted.length > 0 ? granted : named
    if (peer === undefined) {
      const [near] = Nearest.of(
        nameOrKey,
        this.list().flatMap(({ name }) => (name === "" ? [] : [name]))
      )
      const meant = near === undefined ? "" : `, did you mean ${near}?`
      return unreachable(`no peer has this name${meant}; peers/list shows them`)
    }
    if (second !== undefined) return unreachable("more than one peer has this name; use a key, peers/list shows them")
    return Result.succeed(peer)
  }

  /** The connected peer that listens at this UDP address. */
  listeningAt(hostPort: string): PublicKey | undefined {
    for (const session of this.sessions.values()) if (addressOf(session) === hostPort) return session.peer
    return undefined
  }
}

/** Where others reach a peer: the host of its connection, and the port at which it says that it listens. */
export const addressOf = ({ connection: { remoteAddress }, greeting }: Session): string =>
  greeting === undefined || greeting.port === 0 ? remoteAddress : remoteAddress.replace(/:\d+$/, `:${greeting.port}`)
