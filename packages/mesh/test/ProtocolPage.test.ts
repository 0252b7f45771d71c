/**
 * A client written from docs/PROTOCOL.md and from nothing else: it makes every byte by itself, down to the frames of the stream, and
 * imports no code of ours that writes or reads them. Whoever changes the bytes changes the page.
 */
import { fromRpcs, reply } from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as ContentId from "@continuum/core/ContentId"
import { MessageStream } from "@continuum/core/MessageStream"
import { PeerUnreachable, Transport } from "@continuum/core/Transport"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Queue, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto"
import * as GrantStore from "@continuum/mesh/GrantStore"
import { Mesh } from "@continuum/mesh/Mesh"
import { Delivery } from "@continuum/core/Delivery"
import type { Connection } from "@continuum/core/Transport"
import type { PublicKey } from "@continuum/core/Identity"
import { identityOf, networkId } from "./support/Hub.ts"
import { until } from "./support/Player.ts"

// ---------------------------------------------------------------- what the page says

const text = (value: string) => new TextEncoder().encode(value)
const join = (...parts: ReadonlyArray<Uint8Array | ReadonlyArray<number>>) =>
  Uint8Array.from(parts.flatMap((part) => [...part]))
const blake3 = (bytes: Uint8Array) => Uint8Array.from(Buffer.from(ContentId.of(bytes), "hex"))

/** "z-base-32: 52 characters of ybndrfg8ejkmcpqxot1uwisza345h769, the last one with four zero bits." */
const zbase32 = (bytes: Uint8Array) =>
  [...bytes]
    .map((byte) => byte.toString(2).padStart(8, "0"))
    .join("")
    .concat("0000")
    .match(/.{5}/g)!
    .map((bits) => "ybndrfg8ejkmcpqxot1uwisza345h769"[Number.parseInt(bits, 2)])
    .join("")

/** Ed25519 from a seed of 32 bytes (RFC 8410 says how PKCS #8 wraps it). */
const keysOf = (seed: number) => {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, seed)])
  const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  const raw = createPublicKey(secret).export({ format: "der", type: "spki" }).subarray(-32)
  return { secret, raw: new Uint8Array(raw), text: zbase32(raw) as PublicKey }
}

/** MessagePack of what this client says: maps of few fields, lists, texts and bytes of up to 255, whole numbers below 65,536. */
const pack = (value: unknown): Uint8Array => {
  if (value === null) return join([0xc0])
  if (typeof value === "number") return value < 128 ? join([value]) : join([0xcd, value >> 8, value & 255])
  if (typeof value === "string") return join([0xd9, text(value).length], text(value))
  if (value instanceof Uint8Array) return join([0xc4, value.length], value)
  if (Array.isArray(value)) return join([0x90 + value.length], ...value.map(pack))
  const fields = Object.entries(value as object)
  return join([0x80 + fields.length], ...fields.flatMap(([name, field]) => [pack(name), pack(field)]))
}

const big32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
const frame = (kind: number, payload: Uint8Array) =>
  join([payload.length & 255, (payload.length >> 8) & 255, payload.length >> 16, kind], payload)

/** The client: bytes to the node, and the messages that came from it, joined of their pieces. */
class Client {
  readonly messages: Array<Uint8Array>
  credits: number
  private readonly write: (bytes: Uint8Array) => void
  private waiting: Uint8Array
  private pieces: Uint8Array

  constructor(write: (bytes: Uint8Array) => void) {
    this.messages = []
    this.credits = 0
    this.write = write
    this.waiting = new Uint8Array(0)
    this.pieces = new Uint8Array(0)
  }

  /** "length (3 bytes, little-endian, of the payload), kind (1 byte), payload" */
  received(bytes: Uint8Array): void {
    this.waiting = join(this.waiting, bytes)
    for (;;) {
      const [low = 0, middle = 0, high = 0, kind] = this.waiting
      const end = 4 + low + (middle << 8) + (high << 16)
      if (kind === undefined || this.waiting.length < end) return
      const payload = this.waiting.slice(4, end)
      this.waiting = this.waiting.slice(end)
      if (kind === 2) this.credits += new DataView(payload.buffer).getUint32(0, true)
      else this.pieces = join(this.pieces, payload)
      if (kind !== 0) continue
      this.messages.push(this.pieces)
      this.pieces = new Uint8Array(0)
    }
  }

  /** A message on a channel, in pieces of at most so many bytes. */
  say(channel: number, body: Uint8Array, pieceBytes = 65_536): void {
    let rest = join([channel], body)
    for (; rest.length > pieceBytes; rest = rest.slice(pieceBytes)) this.write(frame(1, rest.slice(0, pieceBytes)))
    this.write(frame(0, rest))
  }

  /** Messages of the node on one channel. */
  on(channel: number): Array<Uint8Array> {
    return this.messages.filter(([first]) => first === channel).map((message) => message.slice(1))
  }
}

// ---------------------------------------------------------------- the node that it speaks with

class Rpcs extends RpcGroup.make(
  Rpc.make("double", { payload: { number: Schema.Int }, success: Schema.Int }),
  Rpc.make("count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true })
) {}
const Calculator = fromRpcs("calculator", Rpcs, {
  state: { schema: Schema.Null, initial: null },
  handlers: {
    double: (state, { number }) => reply(state, 2 * number),
    count: (state, { to }) => reply(state, Stream.range(1, to))
  }
})

const handshakeHash = new Uint8Array(64).fill(5)
const clientNode = keysOf(21)
const clientRealm = keysOf(22)
const identity = identityOf(1)

/** A node and a client whose stream of bytes comes to it; the client's greeting is its own affair. */
const meeting = Effect.gen(function* () {
  const connections = yield* Queue.unbounded<Connection>()
  const transport = Transport.of({
    publicKey: identity.node.publicKey,
    connections: Stream.fromQueue(connections),
    dial: (peer) => Effect.fail(new PeerUnreachable({ peer, reason: "nobody has this key" })),
    keep: () => Effect.void,
    contact: (address) => Effect.succeed(address),
    join: () => Effect.void,
    status: Effect.succeed({
      kind: "memory",
      state: "ready",
      listening: undefined,
      bootstrap: [],
      connections: 0,
      restarts: 0,
      problem: undefined
    })
  })
  const context = yield* Layer.build(
    Mesh.layer({ identity, name: "node", networkId }).pipe(
      Layer.provide([Layer.succeed(Transport, transport), GrantStore.layerMemory])
    )
  )
  const delivery = Context.get(context, Delivery)
  const system = Context.get(yield* Layer.build(ActorSystem.layerWithoutStorage({ delivery })), ActorSystem)
  yield* system.register(Calculator)
  yield* Context.get(context, Mesh).grant(clientNode.text, ["actors.ask"])
  const client: Client = new Client((bytes) => stream.received(bytes))
  const stream = new MessageStream(
    { peer: clientNode.text, initiator: false, remoteAddress: "127.0.0.1:1", handshakeHash },
    { write: (bytes) => client.received(bytes), end: () => {}, destroy: () => {}, closing: () => {} }
  )
  yield* Queue.offer(connections, stream)
  return client
})

/** "`continuum/handshake/1` and a zero byte; 1 for the side that dialled; its node key; the hash of the transport's handshake" */
const proof = (dialled: number, nodeKey: Uint8Array) =>
  join(text("continuum/handshake/1"), [0, dialled], nodeKey, handshakeHash)

const greet = (client: Client) => {
  const own = proof(1, clientNode.raw)
  const greeting = {
    name: "by hand",
    capabilities: [],
    port: 0,
    instance: new Uint8Array(16).fill(1),
    protocols: ["continuum/envelope/1"],
    realm: clientRealm.text,
    network: blake3(join(networkId, own)),
    signature: new Uint8Array(sign(null, own, clientRealm.secret))
  }
  client.say(0, join([0, 1], pack(greeting)))
}

/** An envelope to the calculator, as the page has its fields. */
const envelope = (kind: string, message: string, payload: unknown, realm: string = identity.realm.publicKey) =>
  pack({
    version: 1,
    id: { stream: "s", sequence: 0 },
    kind,
    to: `continuum://${realm}/calculator/c`,
    from: `continuum://${clientRealm.text}/by-hand/me`,
    message,
    payload,
    deadlineMs: 5_000
  })

describe("a client written from docs/PROTOCOL.md alone", () => {
  it.live("is greeted by a node whose greeting verifies as the page says", () =>
    Effect.gen(function* () {
      const client = yield* meeting
      greet(client)
      yield* until("the greeting of the node", () => client.on(0).length > 0)
      const [first] = client.on(0)
      expect([...first!.subarray(0, 2)]).toEqual([0, 1])
      // The fields by their names; of two of them the bytes.
      const after = (name: string, bytes: number) => {
        const at = Buffer.from(first!).indexOf(name) + name.length + 2
        return first!.subarray(at, at + bytes)
      }
      const theirs = proof(0, keysOf(1).raw)
      expect(after("network", 32)).toEqual(blake3(join(networkId, theirs)))
      const realm = createPublicKey(keysOf(101).secret)
      expect(verify(null, theirs, realm, after("signature", 64))).toBe(true)
      expect(keysOf(101).text).toBe(identity.realm.publicKey)
      // Heartbeat of five bytes; its answer has the same number.
      yield* until("a heartbeat", () => client.on(0).some(([type]) => type === 3))
      expect(client.on(0).find(([type]) => type === 3)).toHaveLength(5)
    })
  )

  it.live("asks an actor, in pieces of a few bytes, and reads its reply", () =>
    Effect.gen(function* () {
      const client = yield* meeting
      greet(client)
      client.say(1, join([0], big32(7), envelope("ask", "double", { number: 21 })), 50)
      yield* until("a reply", () => client.on(1).length > 0)
      expect(client.on(1)).toEqual([join([3], big32(7), pack(42))])
      // What many asks have in common once, then sequence number and payload of each.
      client.say(1, join([12, 200], envelope("ask", "double", null)))
      client.say(1, join([13], big32(8), [200], pack([1, { number: 4 }])))
      client.say(1, join([13], big32(9), [200], pack([2, { number: 5 }])))
      yield* until("two more replies", () => client.on(1).length === 3)
      expect(client.on(1).slice(1)).toEqual([join([3], big32(8), pack(8)), join([3], big32(9), pack(10))])
    })
  )

  it.live("reads a streamed reply value by value, and is refused what it may not and what does not exist", () =>
    Effect.gen(function* () {
      const client = yield* meeting
      greet(client)
      client.say(1, join([8], big32(3), envelope("stream", "count", { to: 3 })))
      yield* until("the end of the stream", () => client.on(1).length === 4)
      expect(client.on(1)).toEqual([
        ...[1, 2, 3].map((value) => join([9], big32(3), pack(value))),
        join([10], big32(3))
      ])
      client.say(1, join([0], big32(4), envelope("ask", "halve", { number: 21 })))
      yield* until("a refusal", () => client.on(1).length === 5)
      const refusal = client.on(1).at(-1)!
      expect([...refusal.subarray(0, 5)]).toEqual([5, ...big32(4)])
      expect(Buffer.from(refusal).includes("MessageUnknown")).toBe(true)
      // An actor of a third realm is not here, whatever has its kind and name is here.
      const third = keysOf(33).text
      client.say(1, join([0], big32(5), envelope("ask", "double", { number: 21 }, third)))
      yield* until("another refusal", () => client.on(1).length === 6)
      const unknown = Buffer.from(client.on(1).at(-1)!)
      expect([unknown.includes("AddressUnknown"), unknown.includes(third)]).toEqual([true, true])
      expect(unknown.includes(identity.realm.publicKey)).toBe(false)
    })
  )

  it.live("is told goodbye with a reason when its greeting is of another network", () =>
    Effect.gen(function* () {
      const client = yield* meeting
      client.say(0, join([0, 1], pack({ name: "half" })))
      yield* until("a goodbye", () => client.on(0).some(([type]) => type === 1))
      expect(Buffer.from(client.on(0).find(([type]) => type === 1)!).includes("HandshakeMalformed")).toBe(true)
    })
  )
})
