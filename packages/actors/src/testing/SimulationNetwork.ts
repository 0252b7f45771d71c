/**
 * The network between simulated nodes, as the `Delivery` of each. Each message takes a while; what one node sends to another
 * arrives in order. By chance a connection breaks with a message on its way, messages overtake each other or arrive twice; a
 * partition cuts two nodes off until it is mended. Whoever waits for an answer that cannot come any more learns it.
 */
import { localRealm } from "@continuum/core/Address"
import * as Codec from "@continuum/core/Codec"
import { Delivery, type DeliveryError, type Outcome, type Receiver } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import * as EnvelopeWire from "@continuum/core/EnvelopeWire"
import { encodePublicKey, type PublicKey } from "@continuum/core/Identity"
import { PeerUnreachable, TransportLost } from "@continuum/core/Transport"
import { Context, Effect, type Fiber, Scheduler, Stream } from "effect"
import type { SimulationChance } from "./SimulationChance.ts"
import type { SimulationLoop, SimulationProcess } from "./SimulationLoop.ts"

/** Probabilities from 0 to 1, and times. */
export interface NetworkFaults {
  /** The connection breaks with this message or its answer on its way. */
  readonly breaks: number
  /** A message overtakes others of its sender. No transport of this project does so. */
  readonly reordered: number
  /** A message arrives twice; its first answer counts. No transport of this project does so. */
  readonly duplicated: number
  /** Longest time of a message on its way. */
  readonly delayMsMax: number
}

export const noFaults: NetworkFaults = { breaks: 0, reordered: 0, duplicated: 0, delayMsMax: 5 }

interface Member {
  readonly name: string
  readonly realm: PublicKey
  readonly host: SimulationProcess
  receiver: Receiver | undefined
}

/** A message that its sender has not heard of yet. */
interface Flight {
  readonly from: Member
  readonly to: Member
  readonly lost: () => void
  /** Of the handlers over there. */
  readonly fibers: Set<Fiber.Fiber<unknown>>
}

export class SimulationNetwork {
  private readonly loop: SimulationLoop
  private readonly chance: SimulationChance
  private readonly faults: NetworkFaults
  private readonly members: Map<string, Member>
  private readonly cuts: Set<string>
  private readonly flights: Set<Flight>
  /** What is on its way from one process to another, first in, first out. */
  private readonly lines: Map<string, Array<() => void>>

  constructor(loop: SimulationLoop, chance: SimulationChance, faults: NetworkFaults) {
    this.loop = loop
    this.chance = chance
    this.faults = faults
    this.members = new Map()
    this.cuts = new Set()
    this.flights = new Set()
    this.lines = new Map()
  }

  /** The realm of a node, in addresses of its actors; its name stands for it too. */
  realmOf(name: string): PublicKey {
    const bytes = new Uint8Array(32)
    for (const [at, byte] of new TextEncoder().encode(name).entries()) bytes[at % 32]! ^= byte
    return encodePublicKey(bytes)
  }

  /** Cuts two nodes off from each other: what is on its way between them is lost. */
  cut(one: string, other: string): void {
    this.cuts.add(pairOf(one, other))
    this.lose(({ from, to }) => pairOf(from.name, to.name) === pairOf(one, other))
  }

  /** Ends all partitions. */
  mend(): void {
    this.cuts.clear()
  }

  isCut(one: string, other: string): boolean {
    return this.cuts.has(pairOf(one, other))
  }

  /** The delivery of a node that starts. */
  join(name: string, host: SimulationProcess): Delivery["Service"] {
    const member: Member = { name, realm: this.realmOf(name), host, receiver: undefined }
    this.members.set(name, member)
    return Delivery.of({
      realmOf: (realm) => Effect.succeed(realm === localRealm ? member.realm : this.realmNamed(realm)),
      ask: (envelope) => this.send(member, envelope, true) as Effect.Effect<Outcome, DeliveryError>,
      // What a message may do at once, the network decides.
      askNow: () => undefined,
      // Streams flow within a simulated node, not between two.
      stream: ({ to }) =>
        Stream.fail(new PeerUnreachable({ peer: to.realm, reason: "streams between nodes are not simulated" })),
      tell: (envelope) => Effect.asVoid(this.send(member, envelope, false)),
      serve: (receiver) => Effect.sync(() => void (member.receiver = receiver))
    })
  }

  /** A node is gone: those who wait for it learn so, and what it had asked for ends. */
  left(name: string): void {
    const member = this.members.get(name)
    this.members.delete(name)
    this.lose(({ from, to }) => from === member || to === member)
    for (const line of this.lines.keys()) if (line.endsWith(` ${name}`)) this.lines.delete(line)
  }

  private realmNamed(realm: string): PublicKey {
    return this.members.has(realm) ? this.realmOf(realm) : (realm as PublicKey)
  }

  private lose(isLost: (flight: Flight) => boolean): void {
    for (const flight of this.flights) {
      if (!isLost(flight)) continue
      this.flights.delete(flight)
      for (const fiber of flight.fibers) fiber.interruptUnsafe()
      this.travel(flight.to, flight.from, flight.lost)
    }
  }

  private send(from: Member, envelope: Envelope, isAsk: boolean): Effect.Effect<Outcome | undefined, DeliveryError> {
    return Effect.callback((resume) => {
      const { realm } = envelope.to
      const to = [...this.members.values()].find((member) => member.realm === realm)
      if (to?.receiver === undefined || !to.host.isAlive || this.isCut(from.name, to.name)) {
        return resume(Effect.fail(new PeerUnreachable({ peer: realm, reason: "it does not answer (simulated)" })))
      }
      let bytes: Uint8Array
      try {
        bytes = EnvelopeWire.encode(envelope)
      } catch (error) {
        return resume(Effect.fail(error as DeliveryError))
      }
      const lost = Effect.fail(new TransportLost({ peer: realm, reason: "the connection broke (simulated)" }))
      const flight: Flight = { from, to, lost: () => resume(lost), fibers: new Set() }
      if (isAsk) this.flights.add(flight)
      else resume(Effect.succeed(undefined))
      // A connection breaks as a whole, at once or when this message has arrived.
      const breaks = () => {
        if (this.chance.happens(this.faults.breaks)) this.lose((other) => isBetween(other, from, to))
      }
      const arrive = () => {
        breaks()
        if ((isAsk && !this.flights.has(flight)) || this.isCut(from.name, to.name)) return
        this.receive(flight, EnvelopeWire.decode(bytes), (outcome) => {
          this.travel(to, from, () => {
            if (!this.flights.delete(flight)) return
            resume(Effect.succeed(Codec.decodeUnsafe(Codec.encode(outcome)) as Outcome))
          })
        })
      }
      this.travel(from, to, arrive)
      if (this.chance.happens(this.faults.duplicated)) this.travel(from, to, arrive)
      return Effect.sync(() => {
        if (!this.flights.delete(flight)) return
        this.travel(from, to, () => {
          for (const fiber of flight.fibers) fiber.interruptUnsafe()
        })
      })
    })
  }

  private receive({ fibers, from, to }: Flight, envelope: Envelope, answer: (outcome: Outcome) => void): void {
    const { host, receiver } = to
    if (receiver === undefined) return
    // One message is taken after the other, as from a connection.
    const context = Context.add(host.context, Scheduler.PreventSchedulerYield, true)
    const handled: Effect.Effect<Outcome | void> =
      envelope.kind === "ask" ? receiver.ask(envelope, from.realm) : receiver.tell(envelope, from.realm)
    const fiber = Effect.runForkWith(context)(handled)
    fibers.add(fiber)
    fiber.addObserver((exit) => {
      fibers.delete(fiber)
      if (exit._tag === "Success" && exit.value !== undefined) answer(exit.value)
    })
  }

  /** Does something in the process of the receiver, a while later, after all that was sent there before. */
  private travel(from: Member, to: Member, task: () => void): void {
    if (!to.host.isAlive) return
    const name = `${from.name} ${to.name}`
    const line = this.lines.get(name) ?? []
    this.lines.set(name, line)
    const place = this.chance.happens(this.faults.reordered) ? this.chance.below(line.length + 1) : line.length
    line.splice(place, 0, task)
    this.loop.sleep({
      owner: to.host,
      atMs: this.loop.nowMs + this.chance.below(this.faults.delayMsMax + 1),
      run: () => line.shift()?.()
    })
  }
}

const pairOf = (one: string, other: string): string => [one, other].sort().join(" ")

const isBetween = ({ from, to }: Flight, one: Member, other: Member): boolean =>
  (from === one && to === other) || (from === other && to === one)
