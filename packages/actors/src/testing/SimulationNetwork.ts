/**
 * The network between simulated nodes, as the `Delivery` of each. Each message takes a while; what one node sends to another
 * arrives in order. By chance a connection breaks with a message on its way, messages overtake each other or arrive twice; a
 * partition cuts two nodes off until it is mended. Whoever waits for an answer that cannot come any more, or reads one, learns it.
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
import { SimulationStream } from "./SimulationStream.ts"

/** Probabilities from 0 to 1, and times. */
export interface NetworkFaults {
  /** The connection breaks with this message or its answer on its way. */
  readonly breaks: number
  /** A message overtakes others of its sender. No transport of this project does so. */
  readonly reordered: number
  /** A message arrives twice; its first answer counts, of streams too. No transport of this project does so. */
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

interface Posted {
  readonly to: Member
  readonly bytes: Uint8Array
}

/** A message that its sender has not heard of yet, or whose streamed reply it reads. */
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
      stream: (envelope) => this.read(member, envelope),
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
      // In a node that crashed nothing is done any more.
      if (flight.to.host.isAlive) for (const fiber of flight.fibers) fiber.interruptUnsafe()
      this.travel(flight.to, flight.from, flight.lost)
    }
  }

  private send(from: Member, envelope: Envelope, isAsk: boolean): Effect.Effect<Outcome | undefined, DeliveryError> {
    return Effect.callback((resume) => {
      const sent = this.posted(from, envelope)
      if (Effect.isEffect(sent)) return resume(sent)
      const { bytes, to } = sent
      const lost = Effect.fail(lostTo(to))
      const flight: Flight = { from, to, lost: () => resume(lost), fibers: new Set() }
      if (isAsk) this.flights.add(flight)
      else resume(Effect.succeed(undefined))
      this.launch(flight, isAsk, () =>
        this.receive(flight, EnvelopeWire.decode(bytes), (outcome) => {
          this.travel(to, from, () => {
            if (!this.flights.delete(flight)) return
            resume(Effect.succeed(Codec.decodeUnsafe(Codec.encode(outcome)) as Outcome))
          })
        })
      )
      return Effect.sync(() => this.giveUp(flight))
    })
  }

  /** Asks for a streamed reply when it is run. */
  private read(from: Member, envelope: Envelope): Stream.Stream<Outcome, DeliveryError> {
    const opened = Effect.acquireRelease(
      Effect.suspend(() => {
        const sent = this.posted(from, envelope)
        return Effect.isEffect(sent) ? sent : Effect.succeed(this.open(from, sent))
      }),
      ({ flight }) => Effect.sync(() => this.giveUp(flight))
    )
    return Stream.unwrap(Effect.map(opened, ({ stream }) => stream.outcomes))
  }

  private open(from: Member, { bytes, to }: Posted): { readonly flight: Flight; readonly stream: SimulationStream } {
    const whileTogether = (task: () => void) => () => {
      if (this.flights.has(flight)) task()
    }
    const stream = new SimulationStream({
      toReader: (task) => this.travel(to, from, whileTogether(task), true),
      toSpeaker: (task) => this.travel(from, to, whileTogether(task), true)
    })
    const flight: Flight = { from, to, lost: () => stream.end(Effect.fail(lostTo(to))), fibers: new Set() }
    this.flights.add(flight)
    let isFirst = true
    this.launch(flight, true, () => {
      const { receiver } = to
      if (receiver === undefined) return
      const outcomes = receiver.stream(EnvelopeWire.decode(bytes), from.realm)
      // One that arrives twice is handled twice, and read once.
      if (!isFirst) return void this.fork(flight, Stream.runDrain(Stream.take(outcomes, 1)))
      isFirst = false
      this.fork(flight, stream.speak(outcomes)).addObserver((exit) => {
        if (exit._tag === "Failure") this.travel(to, from, whileTogether(flight.lost), true)
      })
    })
    return { flight, stream }
  }

  /** The bytes of an envelope and where they go, or why not. */
  private posted(from: Member, envelope: Envelope): Posted | Effect.Effect<never, DeliveryError> {
    const { realm } = envelope.to
    const to = [...this.members.values()].find((member) => member.realm === realm)
    if (to?.receiver === undefined || !to.host.isAlive || this.isCut(from.name, to.name)) {
      return Effect.fail(new PeerUnreachable({ peer: realm, reason: "it does not answer (simulated)" }))
    }
    try {
      return { to, bytes: EnvelopeWire.encode(envelope) }
    } catch (error) {
      return Effect.fail(error as DeliveryError)
    }
  }

  /** Sends a message on its way; `arrived` is done there, unless it is lost. */
  private launch(flight: Flight, isAwaited: boolean, arrived: () => void): void {
    const { from, to } = flight
    const arrive = () => {
      // A connection breaks as a whole, at once or when this message has arrived.
      if (this.chance.happens(this.faults.breaks)) this.lose((other) => isBetween(other, from, to))
      if ((isAwaited && !this.flights.has(flight)) || this.isCut(from.name, to.name)) return
      arrived()
    }
    this.travel(from, to, arrive)
    if (this.chance.happens(this.faults.duplicated)) this.travel(from, to, arrive)
  }

  /** Whoever waited for it does not any more. */
  private giveUp(flight: Flight): void {
    if (!this.flights.delete(flight)) return
    this.travel(flight.from, flight.to, () => {
      for (const fiber of flight.fibers) fiber.interruptUnsafe()
    })
  }

  private receive(flight: Flight, envelope: Envelope, answer: (outcome: Outcome) => void): void {
    const { from, to } = flight
    const { receiver } = to
    if (receiver === undefined) return
    const handled: Effect.Effect<Outcome | void> =
      envelope.kind === "ask" ? receiver.ask(envelope, from.realm) : receiver.tell(envelope, from.realm)
    this.fork(flight, handled).addObserver((exit) => {
      if (exit._tag === "Success" && exit.value !== undefined) answer(exit.value)
    })
  }

  /** Runs in the process of the receiver what a message asks for. */
  private fork<A>({ fibers, to }: Flight, effect: Effect.Effect<A>): Fiber.Fiber<A> {
    // One message is taken after the other, as from a connection.
    const fiber = Effect.runForkWith(Context.add(to.host.context, Scheduler.PreventSchedulerYield, true))(effect)
    fibers.add(fiber)
    fiber.addObserver(() => fibers.delete(fiber))
    return fiber
  }

  /** Does something in the process of the receiver, a while later, after all that was sent there before. */
  private travel(from: Member, to: Member, task: () => void, isOrdered = false): void {
    if (!to.host.isAlive) return
    const name = `${from.name} ${to.name}`
    const line = this.lines.get(name) ?? []
    this.lines.set(name, line)
    const overtakes = !isOrdered && this.chance.happens(this.faults.reordered)
    const place = overtakes ? this.chance.below(line.length + 1) : line.length
    line.splice(place, 0, task)
    this.loop.sleep({
      owner: to.host,
      atMs: this.loop.nowMs + this.chance.below(this.faults.delayMsMax + 1),
      run: () => line.shift()?.()
    })
  }
}

const lostTo = ({ realm }: Member) => new TransportLost({ peer: realm, reason: "the connection broke (simulated)" })

const pairOf = (one: string, other: string): string => [one, other].sort().join(" ")

const isBetween = ({ from, to }: Flight, one: Member, other: Member): boolean =>
  (from === one && to === other) || (from === other && to === one)
