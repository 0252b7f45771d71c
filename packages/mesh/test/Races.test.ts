/** What happens at the same moment as something else, between two nodes. */
import type { Outcome } from "@continuum/core/Delivery"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Layer, References, Scheduler, Semaphore, Stream } from "effect"
import * as GrantStore from "@continuum/mesh/GrantStore"
import type { Grant } from "@continuum/mesh/GrantStore"
import { echo, envelopeTo } from "./support/Echo.ts"
import * as Limits from "../src/Limits.ts"
import { Hub, identityOf, start } from "./support/Hub.ts"
import { Player, settle, until } from "./support/Player.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** Two nodes that grant each other everything; the second one echoes. */
const two = Effect.gen(function* () {
  const hub = new Hub()
  const [a, b] = [yield* start(hub, 1), yield* start(hub, 2)]
  yield* a.mesh.add(b.key)
  yield* b.mesh.add(a.key)
  return { hub, a, b }
})

describe("a streamed reply", () => {
  it.live("is read whole wherever its reader has to let others go first", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two
      yield* b.delivery.serve(echo)
      const three = Stream.runCollect(a.delivery.stream(envelopeTo(b.realm, 3, { kind: "stream" })))
      // A fiber yields after so many operations: each number is another place.
      for (let operations = 3; operations < 45; operations++) {
        const seen = yield* Effect.provideService(three, Scheduler.MaxOpsBeforeYield, operations)
        expect(seen.length, `yielding every ${operations} operations`).toBe(3)
      }
      expect((yield* a.mesh.status).problems).toEqual([])
    }).pipe(quiet)
  )

  it.live("whose error is larger than a message ends with that reason, as an ask does", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two
      const failed: Outcome = { _tag: "Failed", error: "x".repeat(17 * 1024 * 1024) }
      yield* b.delivery.serve({ ...echo, ask: () => Effect.succeed(failed), stream: () => Stream.succeed(failed) })
      const ask = yield* Effect.flip(a.delivery.ask(envelopeTo(b.realm, 3)))
      const stream = yield* Effect.flip(
        Stream.runCollect(a.delivery.stream(envelopeTo(b.realm, 3, { kind: "stream" })))
      )
      for (const error of [ask, stream]) {
        expect(error._tag).toBe("TransportLost")
        expect(error.message).toMatch(/its reply cannot travel: .*has \d+ bytes/)
      }
    }).pipe(quiet)
  )
})

/** A store that takes its time, one thing after the other, as a disk does. */
const slowStore = () => {
  const stored = new Map<string, Grant>()
  const one = Semaphore.makeUnsafe(1)
  const slowly = <A>(act: () => A) => one.withPermits(1)(Effect.andThen(Effect.sleep(30), Effect.sync(act)))
  const layer = Layer.succeed(
    GrantStore.GrantStore,
    GrantStore.GrantStore.of({
      all: Effect.sync(() => [...stored.values()]),
      set: (grant) => slowly(() => void stored.set(grant.publicKey, grant)),
      remove: (peer) => slowly(() => stored.delete(peer))
    })
  )
  return { stored, layer }
}

describe("a peer that comes back at another address while its grant", () => {
  for (const [what, change, left] of [
    ["is taken away has none afterwards, in the store neither", "forget", []],
    ["is made smaller has the smaller one afterwards, in the store too", "grant", [["content.read"]]]
  ] as const) {
    it.live(what, () =>
      Effect.gen(function* () {
        const { layer, stored } = slowStore()
        const hub = new Hub()
        const a = yield* start(hub, 1, { grants: layer })
        const { key } = yield* start(hub, 2, { port: 5000 })
        yield* a.mesh.add(key)
        const changing = yield* Effect.forkChild(
          change === "forget" ? Effect.asVoid(a.mesh.forget(key)) : Effect.asVoid(a.mesh.grant(key, ["content.read"])),
          { startImmediately: true }
        )
        yield* start(hub, 2, { port: 6000 })
        hub.connect(key, a.key)
        yield* Fiber.join(changing)
        yield* Effect.sleep(150)
        expect(a.directory.isGranted(key, "jit.run")).toBe(false)
        expect([...stored.values()].map(({ actions }) => actions)).toEqual(left)
      }).pipe(quiet)
    )
  }
})

describe("an ask that waits for a connection", () => {
  it.live("is answered over the one that comes up, when the other of two is closed before it greeted", () =>
    Effect.gen(function* () {
      const { a, b, hub } = yield* two
      yield* b.delivery.serve(echo)
      hub.ends.at(-1)![0].breakDown("the cable is out")
      yield* settle
      const loser = hub.stranger(b.key, a.key)
      yield* settle
      const { dials } = hub
      const asking = yield* Effect.forkChild(a.delivery.ask(envelopeTo(b.realm, 1)), { startImmediately: true })
      yield* settle
      loser.close()
      yield* settle
      hub.connect(b.key, a.key)
      expect(yield* Fiber.join(asking)).toEqual({ _tag: "Replied", value: [1, a.key] })
      yield* until("no more dials than one", () => hub.dials <= dials + 1)
    }).pipe(quiet)
  )
})

describe("asks that wait for their handlers", () => {
  it.live("are refused beyond 64 MiB of one peer, say so, and are taken again when others have ended", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two
      yield* b.delivery.serve(echo)
      const large = [" ".repeat(15 * 1024 * 1024)]
      const never = { message: "never" }
      // What was sent before has arrived, and the channel has its credit back.
      const small = a.delivery.ask(envelopeTo(b.realm, 1))
      const waiting: Array<Fiber.Fiber<unknown, unknown>> = []
      for (let i = 0; i < 4; i++) {
        const wait =
          i % 2 === 0
            ? a.delivery.ask(envelopeTo(b.realm, large, never))
            : Stream.runDrain(a.delivery.stream(envelopeTo(b.realm, large, { ...never, kind: "stream" })))
        waiting.push(yield* Effect.forkChild(wait, { startImmediately: true }))
        yield* small
      }
      for (const wait of [
        a.delivery.ask(envelopeTo(b.realm, large, never)),
        Stream.runDrain(a.delivery.stream(envelopeTo(b.realm, large, { ...never, kind: "stream" })))
      ]) {
        const error = yield* Effect.flip(wait)
        yield* small
        expect(error._tag).toBe("PeerUnreachable")
        expect(error.message).toContain("67108864 bytes of asks wait there already")
      }
      // Small ones have room beside them, until there is none.
      expect(yield* small).toEqual({ _tag: "Replied", value: [1, a.key] })
      for (const fiber of waiting) yield* Fiber.interrupt(fiber)
      yield* small
      expect((yield* a.delivery.ask(envelopeTo(b.realm, large)))._tag).toBe("Replied")
    }).pipe(quiet)
  )
})

describe("strangers who connect as often as they can", () => {
  it.live("leave room for peers that hold a grant, and for those that this node dials", () =>
    Effect.gen(function* () {
      const hub = new Hub()
      const a = yield* start(hub, 1)
      const b = yield* start(hub, 2)
      const c = yield* start(hub, 3)
      yield* a.mesh.grant(b.key, ["actors.ask"])
      const strangers = Array.from({ length: Limits.strangersMax + 5 }, (_, i) => {
        const identity = identityOf(20 + i)
        return new Player(hub.stranger(identity.node.publicKey, a.key), identity)
      })
      yield* until("five to be sent away", () => strangers.filter(({ closed }) => closed).length === 5)
      expect(strangers.slice(0, Limits.strangersMax).some(({ closed }) => closed)).toBe(false)
      hub.connect(b.key, a.key)
      yield* a.mesh.add(c.key)
      const connected = (yield* a.directory.peers)
        .filter(({ connected }) => connected)
        .map(({ publicKey }) => publicKey)
      expect(connected).toEqual(expect.arrayContaining([b.key, c.key]))
    }).pipe(quiet)
  )
})

describe("the realm key of a known peer", () => {
  it.live("stands for the peer, and one that is away is named in the error", () =>
    Effect.gen(function* () {
      const { a, b, hub } = yield* two
      expect((yield* a.mesh.add(b.realm)).publicKey).toBe(b.key)
      hub.ends.at(-1)![0].breakDown("the cable is out")
      hub.leave(b.key)
      yield* settle
      const away = yield* Effect.flip(a.delivery.ask(envelopeTo(b.realm, 1)))
      expect(away.message).toContain(`node-2 (${b.key})`)
    }).pipe(quiet)
  )
})
