import type { Outcome } from "@continuum/core/Delivery"
import { version } from "@continuum/core/Envelope"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, References, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import * as Codec from "@continuum/core/Codec"
import { fromRpcs } from "../src/Actor.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorStorage } from "../src/ActorStorage.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import type { HomeRequest, HostRequest } from "../src/LeaseProtocol.ts"
import * as DeliveryPair from "./support/DeliveryPair.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

class Rpcs extends RpcGroup.make(
  Rpc.make("add", { payload: Schema.Number, success: Schema.Number }),
  Rpc.make("get", { success: Schema.Number })
) {}

const counter = () =>
  fromRpcs("counter", Rpcs, {
    state: { schema: Schema.Number, initial: 0 },
    handlers: { add: (state, by) => state + by, get: (state) => state }
  })

const node = ({ delivery, name }: DeliveryPair.End, states: Map<string, Uint8Array>) =>
  Effect.map(
    Layer.build(
      Layer.provide(
        ActorSystem.layer({ stopTimeout: 500, nodeName: name, delivery }),
        Layer.sync(ActorStorage, () => ActorStorageMemory.make(states))
      )
    ),
    (context) => Context.get(context, ActorSystem)
  )

/** A counter with 5, lent by ant to bee; and a way to send either of them anything. */
const lent = Effect.gen(function* () {
  const [ant, bee] = DeliveryPair.make()
  const states = new Map<string, Uint8Array>()
  const home = yield* node(ant, states)
  const host = yield* node(bee, new Map())
  const Counter = counter()
  yield* host.register(counter())
  yield* home.ref(Counter, "a").add(5)
  yield* home.migrate("continuum://local/counter/a", "bee")
  const lease = (yield* home.leasesOf("local").find("continuum://local/counter/a"))!
  const send = (end: DeliveryPair.End, to: string, name: string, payload: unknown, from: string | undefined) =>
    end.delivery.ask({
      version,
      id: { stream: "test", sequence: 0 },
      kind: "ask",
      to: { realm: to, kind: "lease", name },
      ...(from === undefined || from === "" ? {} : { from: { realm: from, kind: "lease", name } }),
      message: name,
      payload
    })
  const replied = (outcome: Outcome) => (outcome._tag === "Replied" ? outcome.value : outcome)
  const toHome = (request: HomeRequest | object, from: string | undefined = bee.realm) =>
    Effect.map(send(bee, ant.realm, "home", request, from), replied)
  const toHost = (request: HostRequest | object, from: string | undefined = ant.realm) =>
    Effect.map(send(ant, bee.realm, "host", request, from), replied)
  const held = { kind: "counter", name: "a", epoch: lease.epoch }
  const stored = () => Codec.decodeUnsafe(states.get("continuum://local/counter/a")!.slice())
  return { ant, bee, home, host, counter: home.ref(Counter, "a"), held, lease, toHome, toHost, stored }
})

const stranger = "y".repeat(52)

describe("a home", () => {
  it.live("stores a commit that is sent again once, and not in the place of a later one", () =>
    Effect.gen(function* () {
      const { held, stored, toHome } = yield* lent
      const commit = (sequence: number, state: number) =>
        toHome({ _tag: "Commit", ...held, sequence, records: [{ at: 0, bytes: Codec.encode(state) }] })
      expect(yield* commit(1, 10)).toEqual({ _tag: "Committed" })
      expect(yield* commit(2, 20)).toEqual({ _tag: "Committed" })
      expect(yield* commit(1, 10)).toEqual({ _tag: "Committed" })
      expect(stored()).toBe(20)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("stores and shows nothing under another epoch, for another actor, or for another realm", () =>
    Effect.gen(function* () {
      const { held, home, stored, toHome } = yield* lent
      const records = [{ at: 0, bytes: Codec.encode(99) }]
      const fenced = { _tag: "Fenced" }
      for (const wrong of [{ epoch: held.epoch - 1 }, { epoch: held.epoch + 1 }, { name: "b" }, { kind: "other" }]) {
        expect(yield* toHome({ _tag: "Commit", ...held, sequence: 1, records, ...wrong })).toEqual(fenced)
        expect(yield* toHome({ _tag: "LoadEvents", ...held, from: 1, ...wrong })).toEqual(fenced)
        expect(yield* toHome({ _tag: "Load", ...held, ...wrong })).toEqual(fenced)
      }
      expect(yield* toHome({ _tag: "Commit", ...held, sequence: 1, records }, stranger)).toEqual(fenced)
      expect(yield* toHome({ _tag: "LoadEvents", ...held, from: 1 }, stranger)).toEqual(fenced)
      expect(yield* toHome({ _tag: "Load", ...held }, stranger)).toEqual(fenced)
      yield* home.migrate("continuum://local/counter/a", "local")
      expect(yield* toHome({ _tag: "Commit", ...held, sequence: 1, records })).toEqual(fenced)
      expect(stored()).toBe(5)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("lets nobody renew or give back the lease of another", () =>
    Effect.gen(function* () {
      const { home, lease, toHome } = yield* lent
      const { remainingMs, ...own } = lease
      expect(remainingMs).toBeGreaterThan(0)
      expect(yield* toHome({ _tag: "Renew", leases: [own] }, stranger)).toEqual({ _tag: "Renewed", lost: [own.epoch] })
      expect(yield* toHome({ _tag: "Release", lease: own }, stranger)).toEqual({ _tag: "Released", was: false })
      const forged = { ...own, holder: stranger }
      expect(yield* toHome({ _tag: "Release", lease: forged }, stranger)).toEqual({ _tag: "Released", was: false })
      expect((yield* home.leasesOf("local").find(own.address))?.epoch).toBe(own.epoch)
    }).pipe(Effect.scoped, quiet)
  )
})

describe("a host", () => {
  it.live("lets only the home of a guest speak to it, and only under its epoch", () =>
    Effect.gen(function* () {
      const { counter, held, toHost } = yield* lent
      const deliver = { _tag: "Deliver", ...held, message: "add", isTell: false, payload: 1 }
      const notHosted = { _tag: "NotHosted" }
      for (const request of [deliver, { _tag: "GiveBack", ...held }]) {
        expect(yield* toHost(request, stranger)).toEqual(notHosted)
        expect(yield* toHost({ ...request, epoch: held.epoch - 1 })).toEqual(notHosted)
        expect(yield* toHost({ ...request, name: "b" })).toEqual(notHosted)
      }
      expect(yield* counter.get()).toBe(5)
      expect(yield* toHost(deliver)).toEqual({ _tag: "Delivered", outcome: { _tag: "Replied", value: 6 } })
      const wrong = yield* toHost({ ...deliver, payload: "one" })
      expect(wrong).toMatchObject({ _tag: "Delivered", outcome: { error: { _tag: "PayloadMalformed" } } })
      const unknown = yield* toHost({ ...deliver, message: "burn" })
      expect(unknown).toMatchObject({ _tag: "Delivered", outcome: { error: { _tag: "MessageUnknown" } } })
    }).pipe(Effect.scoped, quiet)
  )

  it.live("takes nothing that its home does not confirm", () =>
    Effect.gen(function* () {
      const { ant, held, host, toHost } = yield* lent
      const take = { _tag: "Take", kind: "counter", name: "b", epoch: held.epoch, ttlMs: 1_000, hasJournal: false }
      expect(yield* toHost(take)).toMatchObject({ _tag: "Refused", reason: expect.stringContaining("confirm") })
      expect(yield* toHost(take, stranger)).toMatchObject({ _tag: "Refused" })
      const older = yield* toHost({ ...take, name: "a", epoch: held.epoch - 1 })
      expect(older).toMatchObject({ _tag: "Refused", reason: expect.stringContaining("newer") })
      const guests = (yield* host.list("counter")).map(({ address }) => address)
      expect(guests).toEqual([`continuum://${ant.realm}/counter/a`])
    }).pipe(Effect.scoped, quiet)
  )
})

describe("what is no request", () => {
  it.live("is refused with the reason by both, and changes nothing", () =>
    Effect.gen(function* () {
      const { counter, held, toHome, toHost } = yield* lent
      const bad = [
        null,
        {},
        { _tag: "Steal" },
        { _tag: "Take", kind: "counter", name: "c", epoch: 1, ttlMs: 3_600_000, hasJournal: false },
        { _tag: "Commit", ...held, sequence: 1, records: [{ at: 0, bytes: "text" }] },
        { _tag: "Commit", ...held, sequence: 1, records: [{ at: -1, bytes: null }] },
        { _tag: "LoadEvents", ...held, from: 0 },
        { _tag: "Renew", leases: Array.from({ length: 501 }, () => ({})) },
        { _tag: "Acquire", address: "continuum://local/service/x", holder: "h", ttlMs: 1 }
      ]
      for (const request of bad) {
        expect(yield* toHome(request as object)).toMatchObject({ _tag: "Refused" })
        expect(yield* toHost(request as object)).toMatchObject({ _tag: "Refused" })
      }
      const good = { _tag: "Load", ...held }
      expect(yield* toHome(good, "")).toMatchObject({ _tag: "Refused" })
      expect(yield* counter.get()).toBe(5)
    }).pipe(Effect.scoped, quiet)
  )
})
