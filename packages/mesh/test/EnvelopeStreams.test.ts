import * as Codec from "@continuum/core/Codec"
import type { Outcome, Receiver } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import * as EnvelopeWire from "@continuum/core/EnvelopeWire"
import { frame, kinds } from "@continuum/mesh/EnvelopeFrame"
import * as Limits from "@continuum/mesh/Limits"
import { allActions } from "@continuum/mesh/Mesh"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, References, Stream } from "effect"
import { TestClock } from "effect/testing"
import { echo, envelopeTo } from "./support/Echo.ts"
import { Hub, identityOf, start } from "./support/Hub.ts"
import { Player, settle, until } from "./support/Player.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** Two nodes that have added each other, of which the second is served by `receiver`. */
const pairOf = (receiver: Receiver = echo) =>
  Effect.gen(function* () {
    const hub = new Hub()
    const [a, b] = [yield* start(hub, 1), yield* start(hub, 2)]
    yield* b.delivery.serve(receiver)
    yield* a.mesh.add(b.key)
    yield* b.mesh.add(a.key)
    const stream = (message: string, payload: unknown) =>
      a.delivery.stream(envelopeTo(b.realm, payload, { kind: "stream", message }))
    return { hub, a, b, stream }
  })

/** A receiver whose streams never end, with what became of them. Connections in memory would give timers no turn: these do. */
const endless = (bytes: number) => {
  const seen = { made: 0, interrupted: 0 }
  const value = new Uint8Array(bytes)
  const make = Effect.suspend(() => {
    const outcome: Outcome = { _tag: "Replied", value }
    return ++seen.made % 32 === 0 ? Effect.as(turn, outcome) : Effect.succeed(outcome)
  })
  const stream = Stream.suspend(() =>
    Stream.onExit(Stream.fromEffectRepeat(make), (exit) =>
      Effect.sync(() => void (Exit.hasInterrupts(exit) && seen.interrupted++))
    )
  )
  return { seen, receiver: { ...echo, stream: () => stream } satisfies Receiver }
}

const turn = Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve)))

const values = (outcomes: ReadonlyArray<Outcome>) =>
  outcomes.map((outcome) => (outcome._tag === "Replied" ? outcome.value : outcome))

describe("a streamed reply of another node", () => {
  it.effect("arrives in order and whole, or up to its failure, its refusal or its death", () =>
    Effect.gen(function* () {
      const { stream } = yield* pairOf()
      const all = values(yield* Stream.runCollect(stream("count", 20_000)))
      expect(all).toEqual(Array.from({ length: 20_000 }, (_, i) => i + 1))
      expect(values(yield* Stream.runCollect(stream("count", 1)))).toEqual([1])
      const failed = { _tag: "Failed", error: { at: 2 } }
      expect(values(yield* Stream.runCollect(stream("fail", 2)))).toEqual([1, 2, failed])
      expect(values(yield* Stream.runCollect(stream("refuse", 1)))).toEqual([
        1,
        { ...failed, _tag: "Refused", error: { at: 1 } }
      ])
      const died = yield* Effect.flip(Stream.runCollect(stream("die", 1)))
      expect(died).toMatchObject({ _tag: "TransportLost" })
      expect(died.message).toContain("bug")
    }).pipe(quiet)
  )

  it.effect("is held back by its reader: no more is made than one credit and what lies between", () => {
    const { receiver, seen } = endless(1_000)
    return Effect.gen(function* () {
      const { stream } = yield* pairOf(receiver)
      const reading = yield* Effect.forkChild(Stream.runForEach(stream("x", 0), () => Effect.never))
      yield* until("it stands still", () => seen.made > 0)
      for (let made = -1; made !== seen.made; yield* settle) made = seen.made
      // One credit arrived and was given back when it was taken; the next is on its way.
      expect(seen.made).toBeGreaterThan(Limits.streamCreditBytes / 1_010)
      expect(seen.made).toBeLessThan((2 * Limits.streamCreditBytes) / 1_000 + 3)
      expect(seen.interrupted).toBe(0)
      yield* Fiber.interrupt(reading)
      yield* until("it is interrupted over there", () => seen.interrupted === 1)
    }).pipe(quiet)
  })

  it.effect("may have values larger than its credit, one at a time, and none above the limit", () =>
    Effect.gen(function* () {
      const { receiver } = endless(5 * Limits.streamCreditBytes)
      const { stream } = yield* pairOf(receiver)
      const [first, second] = yield* Stream.runCollect(Stream.take(stream("x", 0), 2))
      for (const outcome of [first, second]) {
        expect((outcome as { value: Uint8Array }).value.length).toBe(5 * Limits.streamCreditBytes)
      }
      const large = yield* pairOf()
      // Five bytes say how long it is.
      const fits = yield* Stream.runCollect(large.stream("large", Limits.streamValueBytesMax - 5))
      expect((fits[0] as { value: Uint8Array }).value.length).toBe(Limits.streamValueBytesMax - 5)
      const error = yield* Effect.flip(Stream.runCollect(large.stream("large", Limits.streamValueBytesMax - 4)))
      expect(error).toMatchObject({ _tag: "TransportLost" })
      expect(error.message).toContain(`more than the ${Limits.streamValueBytesMax} of a stream`)
    }).pipe(quiet)
  )

  it.effect("does not hold up asks, and many flow at once", () => {
    const { receiver, seen } = endless(1_000)
    return Effect.gen(function* () {
      const { a, b, stream } = yield* pairOf(receiver)
      const reading = yield* Effect.forEach(Array.from({ length: 50 }), () =>
        Effect.forkChild(Stream.runDrain(stream("x", 0)))
      )
      yield* until("they flow", () => seen.made > 1_000)
      expect(yield* a.delivery.ask(envelopeTo(b.realm, 1))).toMatchObject({ _tag: "Replied" })
      yield* Fiber.interruptAll(reading)
      yield* until("all are interrupted", () => seen.interrupted === 50)
    }).pipe(quiet)
  })

  it.effect("fails with TransportLost when the connection breaks in the middle, and its source ends", () => {
    const { receiver, seen } = endless(10)
    return Effect.gen(function* () {
      const { hub, stream } = yield* pairOf(receiver)
      const got: Array<Outcome> = []
      const reading = yield* Effect.forkChild(
        Effect.flip(Stream.runForEach(stream("x", 0), (one) => Effect.sync(() => got.push(one))))
      )
      yield* until("it flows", () => got.length > 10)
      hub.ends.at(-1)![0].breakDown("the cable")
      expect(yield* Fiber.join(reading)).toMatchObject({ _tag: "TransportLost", reason: "the cable" })
      yield* until("it is interrupted over there", () => seen.interrupted === 1)
    }).pipe(quiet)
  })

  it.effect("is not granted to a stranger, and is refused here when too many are read", () =>
    Effect.gen(function* () {
      const { a, b, stream } = yield* pairOf()
      const many = yield* Effect.forEach(Array.from({ length: Limits.streamsMax }), () =>
        Effect.forkChild(Stream.runDrain(stream("never", 1)), { startImmediately: true })
      )
      const refused = yield* Effect.flip(Stream.runDrain(stream("count", 1)))
      expect(refused).toMatchObject({ _tag: "PeerUnreachable" })
      expect(refused.message).toContain("are read already")
      yield* Fiber.interrupt(many[0]!)
      yield* settle
      expect(values(yield* Stream.runCollect(stream("count", 1)))).toEqual([1])
      yield* Fiber.interruptAll(many)
      yield* b.mesh.grant(a.key, ["content.read"])
      expect(yield* Effect.flip(Stream.runDrain(stream("count", 1)))).toMatchObject({
        _tag: "NotGranted",
        action: "actors.ask"
      })
    }).pipe(quiet)
  )
})

/** A node with a friend who is played by the test, and a stream of that friend which the node reads. */
const reader = Effect.gen(function* () {
  const hub = new Hub()
  const node = yield* start(hub, 1)
  yield* node.delivery.serve(echo)
  const identity = identityOf(70)
  const player = new Player(hub.stranger(identity.node.publicKey, node.key), identity)
  yield* player.greeted
  yield* node.mesh.grant(identity.node.publicKey, allActions)
  const outcomes: Array<Outcome> = []
  const reading = yield* Effect.forkChild(
    Stream.runForEach(node.delivery.stream(envelopeTo(identity.realm.publicKey, 1, { kind: "stream" })), (outcome) => {
      outcomes.push(outcome)
      return outcome._tag === "Replied" && outcome.value === "read no more" ? Effect.never : Effect.void
    }),
    { startImmediately: true }
  )
  yield* until("the ask arrives", () => kindsOf(player).includes(kinds.stream))
  const send = (kind: number, number: number, body?: Uint8Array) =>
    player.send(Uint8Array.from([1, ...frame(kind, number, body)]))
  const ask = (number: number, message: string, payload: unknown) =>
    send(kinds.stream, number, EnvelopeWire.encode(asStream(envelopeTo(node.realm, payload, { message }))))
  return { node, player, reading, outcomes, send, ask }
})

const asStream = (envelope: Envelope): Envelope => ({ ...envelope, kind: "stream" })

/** Kinds of the frames of the envelope channel that the player got. */
const kindsOf = (player: Player) => player.frames.filter((bytes) => bytes[0] === 1).map((bytes) => bytes[1]!)

const one = Codec.encode(1)

describe("a peer that does not keep to the rules of a stream loses its connection, and what it sent before stands:", () => {
  type Sender = { readonly send: (kind: number, number: number, body?: Uint8Array) => void }
  type Asker = Sender & { readonly ask: (number: number, message: string, payload: unknown) => void }
  const cases: ReadonlyArray<readonly [what: string, play: (player: Asker) => void, reason: string]> = [
    ["a value of a stream that is none", ({ send }) => send(kinds.value, 77, one), "a stream that is none"],
    ["an end of a stream that is none", ({ send }) => send(kinds.end, 77), "a stream that is none"],
    [
      "a value after the end",
      ({ send }) => {
        send(kinds.end, 0)
        send(kinds.value, 0, one)
      },
      "or has ended"
    ],
    [
      "more than the credit",
      ({ send }) => {
        send(kinds.value, 0, Codec.encode("read no more"))
        for (let bytes = 0; bytes <= Limits.streamCreditBytes + 20_000; bytes += 20_000) {
          send(kinds.value, 0, Codec.encode(new Uint8Array(20_000)))
        }
      },
      "more of a stream than it was given credit for"
    ],
    [
      "a gigantic value",
      ({ send }) => send(kinds.value, 0, Codec.encode(new Uint8Array(Limits.streamValueBytesMax))),
      "bytes in a stream"
    ],
    [
      "a value that is no MessagePack",
      ({ send }) => send(kinds.value, 0, Uint8Array.of(0xc1)),
      "not valid MessagePack"
    ],
    ["one value where a stream was asked for", ({ send }) => send(kinds.replied, 0, one), "a stream was asked for"],
    [
      "one number for two streams",
      ({ ask }) => {
        ask(5, "never", 1)
        ask(5, "never", 1)
      },
      "two asks at once"
    ],
    [
      "more streams than there may be",
      ({ ask }) => {
        for (let number = 0; number <= Limits.streamsMax; number++) ask(number, "never", 1)
      },
      `more than ${Limits.streamsMax} streams`
    ],
    [
      "more credit than it was sent",
      ({ ask, send }) => {
        ask(5, "never", 1)
        send(kinds.credit, 5, Uint8Array.of(0, 1, 0, 0))
      },
      "more credit for a stream"
    ],
    [
      "a credit that is no number",
      ({ ask, send }) => {
        ask(5, "never", 1)
        send(kinds.credit, 5, Uint8Array.of(1))
      },
      "a credit of 1 bytes"
    ],
    [
      "a stream in the frame of an ask",
      ({ send }) => send(kinds.ask, 5, EnvelopeWire.encode(asStream(envelopeTo(identityOf(1).realm.publicKey, 1)))),
      "an envelope of another kind"
    ]
  ]
  for (const [what, play, reason] of cases) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const { node, outcomes, player, reading, ...senders } = yield* reader
        senders.send(kinds.value, 0, one)
        play(senders)
        yield* player.ended
        expect((yield* node.mesh.status).problems.at(-1)!.problem.message).toContain(reason)
        yield* Fiber.interrupt(reading)
        expect(outcomes[0]).toEqual({ _tag: "Replied", value: 1 })
      }).pipe(quiet)
    )
  }

  it.effect("a stream that was cancelled and is never ended", () =>
    Effect.gen(function* () {
      const { node, player, reading, send } = yield* reader
      yield* Fiber.interrupt(reading)
      yield* until("the cancellation arrives", () => kindsOf(player).includes(kinds.cancel))
      // What crossed the cancellation is no fault.
      send(kinds.value, 0, one)
      for (let ms = 0; ms < Limits.streamEndMsMax - 2_000; ms += 1_000) {
        yield* TestClock.adjust(1_000)
        yield* settle
      }
      expect(player.closed).toBe(false)
      for (let ms = 0; ms < 4_000; ms += 1_000) {
        yield* TestClock.adjust(1_000)
        yield* settle
      }
      yield* player.ended
      expect((yield* node.mesh.status).problems.at(-1)!.problem.message).toContain("did not end a stream")
    }).pipe(quiet)
  )
})

describe("a peer that is slow, and no more than that, keeps its connection:", () => {
  it.effect("credit, a failure and a cancellation that cross an end are ignored, and the number is free again", () =>
    Effect.gen(function* () {
      const { ask, node, outcomes, player, reading, send } = yield* reader
      ask(5, "count", 2)
      yield* until("it ends", () => kindsOf(player).includes(kinds.end))
      send(kinds.credit, 5, Uint8Array.of(0, 0, 0, 9))
      send(kinds.cancel, 5)
      ask(5, "fail", 1)
      yield* until("it fails", () => kindsOf(player).includes(kinds.failed))
      send(kinds.value, 0, one)
      send(kinds.failed, 0, Codec.encode("no"))
      yield* Fiber.join(reading)
      expect(outcomes).toEqual([
        { _tag: "Replied", value: 1 },
        { _tag: "Failed", error: "no" }
      ])
      expect([player.closed, (yield* node.mesh.status).problems]).toEqual([false, []])
    }).pipe(quiet)
  )

  it.effect("a stream that it does not read for long is ended, and only that", () =>
    Effect.gen(function* () {
      const { ask, player, send } = yield* reader
      ask(5, "count", 1_000_000)
      yield* until("values arrive", () => kindsOf(player).filter((kind) => kind === kinds.value).length > 100)
      yield* settle
      for (let ms = 0; ms < Limits.streamUnreadMsMax + 2_000; ms += 1_000) {
        expect(ms < Limits.streamUnreadMsMax - 2_000 && kindsOf(player).includes(kinds.unanswered)).toBe(false)
        yield* TestClock.adjust(1_000)
        yield* settle
      }
      yield* until("it is ended", () => kindsOf(player).includes(kinds.unanswered))
      expect(player.closed).toBe(false)
      send(kinds.credit, 5, Uint8Array.of(0, 0, 0, 1))
      ask(5, "count", 1)
      yield* until("another one is read", () => kindsOf(player).includes(kinds.end))
    }).pipe(quiet)
  )
})
