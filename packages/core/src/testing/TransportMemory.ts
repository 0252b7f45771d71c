/**
 * A network of nodes in one process, for tests: behind the port `Transport`, with faults that a seed repeats.
 *
 * Bytes take a random time and keep their order on a connection, not between connections. Connections break at random,
 * dials get lost, nodes are killed, the network is parted and healed. Time and chance come from Effect's Clock and Random,
 * so that a test with `TestClock` and a seed replays. What a connection carries is framed as on a real network.
 */
import { Clock, Effect, Queue, Random, type Scope } from "effect"
import { decodePublicKey, encodePublicKey, type KeyPair, type PublicKey } from "../Identity.ts"
import * as Swarm from "../Swarm.ts"
import type { Transport } from "../Transport.ts"

export interface Faults {
  /** Milliseconds that bytes and dials take, at least and at most. Default 0 and 2. */
  readonly delayMs?: readonly [min: number, max: number]
  /** Chance that a dial gets no answer. Default 0. */
  readonly dialLoss?: number
  /** Chance for each write that the connection breaks instead. Default 0. */
  readonly breakChance?: number
}

export interface Node {
  readonly transport: Transport["Service"]
  /** Ends the node as SIGKILL would: nobody is told, and others notice after `silenceMs`. */
  readonly kill: Effect.Effect<void>
}

export interface Network {
  /**
   * A node on this network for as long as the scope is open. A key may come back after it was killed. One that is `alone`
   * knows nobody, and is not known, until it contacts another or is contacted.
   */
  readonly start: (keyPair: KeyPair, options?: { readonly alone?: boolean }) => Effect.Effect<Node, never, Scope.Scope>
  /** Parts the network: those named stay among themselves, the others too. Connections between them break. */
  readonly part: (island: ReadonlyArray<PublicKey>) => Effect.Effect<void>
  readonly heal: Effect.Effect<void>
}

/** Milliseconds until the peers of a killed node notice. */
const silenceMs = 20

export const make = (faults: Faults = {}): Effect.Effect<Network, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const random = yield* Random.Random
    const clock = yield* Clock.Clock
    const runFork = Effect.runForkWith(yield* Effect.context<never>())
    const { breakChance = 0, delayMs: [delayMin, delayMax] = [0, 2], dialLoss = 0 } = faults
    const members = new Map<PublicKey, Member>()
    const topics = new Map<string, Set<Member>>()
    let lastPort = 0
    let island: ReadonlySet<PublicKey> = new Set()

    const chance = (probability: number) => probability > 0 && random.nextDoubleUnsafe() < probability
    const delay = () => delayMin + Math.floor(random.nextDoubleUnsafe() * (delayMax - delayMin + 1))
    const later = (ms: number, run: () => void) => {
      runFork(Effect.forkIn(Effect.andThen(Effect.sleep(ms), Effect.sync(run)), scope))
    }
    const canReach = (a: Member, b: Member) => island.has(a.publicKey) === island.has(b.publicKey)
    /** Who knows each other, directly or through others. */
    const together = {}
    const knows = (a: Member, b: Member) => a.circle === b.circle

    /** Both ends at once, so that two nodes that dial each other get one connection. */
    const connect = (from: Member, to: Member) => {
      const handshakeHash = Uint8Array.from({ length: 32 }, () => Math.floor(random.nextDoubleUnsafe() * 256))
      const ends = [
        { member: from, id: ++from.lastId },
        { member: to, id: ++to.lastId }
      ] as const
      const link: Link = { ends, isOpen: true, lines: [newLine(), newLine()] }
      for (const [side, { id, member }] of ends.entries()) {
        const far = ends[1 - side]!.member
        member.links.set(id, { link, side })
        member.events.opened({
          id,
          peer: decodePublicKey(far.publicKey),
          initiator: side === 0,
          remoteAddress: `127.0.0.1:${far.port}`,
          handshakeHash: handshakeHash.slice()
        })
      }
    }
    const breakLink = (link: Link, reason: string) => {
      if (!link.isOpen) return
      link.isOpen = false
      for (const { id, member } of link.ends) {
        member.links.delete(id)
        if (member.alive) member.events.closed(id, reason)
      }
    }
    /** Something happens at the far end after the delay, and after what was sent before. */
    const carry = (member: Member, id: number, arrive: (link: Link, far: End) => void) => {
      const found = member.links.get(id)
      if (found === undefined) return
      const { link, side } = found
      const line = link.lines[side]!
      const now = clock.currentTimeMillisUnsafe()
      line.dueMs = Math.max(line.dueMs, now + delay())
      Queue.offerUnsafe(line.parcels, {
        dueMs: line.dueMs,
        arrive: () => {
          if (link.isOpen) arrive(link, link.ends[1 - side]!)
        }
      })
      if (line.isServed) return
      line.isServed = true
      runFork(Effect.forkIn(serve(line), scope))
    }
    const serve = (line: Line) =>
      Effect.forever(
        Effect.flatMap(Queue.take(line.parcels), ({ arrive, dueMs }) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) =>
            dueMs > now ? Effect.andThen(Effect.sleep(dueMs - now), Effect.sync(arrive)) : Effect.sync(arrive)
          )
        )
      )

    const isConnected = (a: Member, b: Member) =>
      [...a.links.values()].some(({ link }) => link.ends.some((end) => end.member === b))
    const dial = (from: Member, peer: PublicKey) => {
      if (chance(dialLoss)) return
      later(delay(), () => {
        if (!from.alive) return
        const to = members.get(peer)
        if (to === undefined || !to.alive || !canReach(from, to) || !knows(from, to)) {
          from.events.dialFailed(decodePublicKey(peer), "nobody with this key answers")
        } else if (!isConnected(from, to)) connect(from, to)
      })
    }
    const contact = (from: Member, address: string) =>
      later(delay(), () => {
        const to = [...members.values()].find(({ port }) => address === `127.0.0.1:${port}`)
        if (!from.alive) return
        if (to === undefined || !canReach(from, to)) return from.events.contactFailed(address, "no node answers there")
        const joined = from.circle
        for (const member of members.values()) if (member.circle === joined) member.circle = to.circle
        for (const [topic, joined] of topics) if (joined.has(from)) meet(from, topic)
        from.events.contacted(address, address)
      })
    const meet = (member: Member, topic: string) => {
      for (const other of topics.get(topic) ?? []) if (other !== member) dial(member, other.publicKey)
    }

    const swarmOf = (member: Member): Swarm.Swarm => ({
      join: (topic) => {
        const name = topic.join()
        const joined = topics.get(name) ?? new Set()
        topics.set(name, joined.add(member))
        meet(member, name)
      },
      leave: (topic) => topics.get(topic.join())?.delete(member),
      dial: (peer) => dial(member, encodePublicKey(peer)),
      hangUp: () => {},
      contact: (address) => contact(member, address),
      write: (id, bytes) => {
        const found = member.links.get(id)
        if (found !== undefined && chance(breakChance))
          return later(0, () => breakLink(found.link, "the network broke it"))
        carry(member, id, (_, far) => far.member.events.received(far.id, bytes))
      },
      end: (id) => carry(member, id, (link) => breakLink(link, "the peer closed the connection")),
      destroy: (id) => {
        const found = member.links.get(id)
        if (found === undefined) return
        member.links.delete(id)
        later(delay(), () => breakLink(found.link, "the peer broke the connection"))
      }
    })
    const leaveAll = (member: Member, noticedAfterMs: number) => {
      if (!member.alive) return
      member.alive = false
      for (const joined of topics.values()) joined.delete(member)
      if (members.get(member.publicKey) === member) members.delete(member.publicKey)
      for (const { link } of member.links.values()) later(noticedAfterMs, () => breakLink(link, "the peer fell silent"))
      member.links.clear()
    }

    return {
      start: (keyPair, { alone = false } = {}) =>
        Effect.gen(function* () {
          let member: Member | undefined
          const transport = yield* Swarm.transport({ kind: "memory", keyPair, bootstrap: [] }, (events) =>
            Effect.acquireRelease(
              Effect.sync(() => {
                const port = ++lastPort
                const { publicKey } = keyPair
                const circle = alone ? {} : together
                member = { publicKey, events, links: new Map(), alive: true, lastId: 0, port, circle }
                members.set(keyPair.publicKey, member)
                const started = member
                later(0, () => {
                  events.bound(`127.0.0.1:${port}`)
                  events.ready()
                })
                return swarmOf(started)
              }),
              () => Effect.sync(() => leaveAll(member!, delay()))
            )
          )
          const kill = Effect.sync(() => {
            const killed = member!
            leaveAll(killed, silenceMs)
            killed.events.down("the process was killed")
          })
          return { transport, kill }
        }),
      part: (keys) =>
        Effect.sync(() => {
          island = new Set(keys)
          for (const member of members.values()) {
            for (const { link } of member.links.values()) {
              if (!canReach(link.ends[0].member, link.ends[1].member)) breakLink(link, "the network is parted")
            }
          }
        }),
      heal: Effect.sync(() => {
        island = new Set()
        for (const [topic, joined] of topics) for (const member of joined) meet(member, topic)
      })
    }
  })

interface Member {
  readonly publicKey: PublicKey
  readonly events: Swarm.SwarmEvents
  readonly links: Map<number, { readonly link: Link; readonly side: number }>
  readonly port: number
  circle: object
  alive: boolean
  lastId: number
}

interface End {
  readonly member: Member
  readonly id: number
}

interface Link {
  readonly ends: readonly [End, End]
  /** From each end to the other. */
  readonly lines: readonly [Line, Line]
  isOpen: boolean
}

/** One direction of a link. */
interface Line {
  readonly parcels: Queue.Queue<{ readonly dueMs: number; readonly arrive: () => void }>
  dueMs: number
  isServed: boolean
}

const newLine = (): Line => ({ parcels: Effect.runSync(Queue.unbounded()), dueMs: 0, isServed: false })
