import { laws } from "@continuum/core/testing/LeaseAuthorityLaws"
import { LeaseAuthority } from "@continuum/core/LeaseAuthority"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, References, Scope } from "effect"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import { CurrentLease, singleton } from "../src/Singleton.ts"
import * as DeliveryPair from "./support/DeliveryPair.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")
const ttl = 300
const address = "continuum://local/service/report"

const node = ({ delivery, name }: DeliveryPair.End) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const layer = Layer.provide(ActorSystem.layer({ nodeName: name, delivery }), ActorStorageMemory.layer)
    const context = yield* Layer.buildWithScope(layer, scope)
    return { system: Context.get(context, ActorSystem), stop: Scope.close(scope, Exit.void) }
  })

const two = Effect.gen(function* () {
  const [ant, bee, line] = DeliveryPair.make()
  return { ant: yield* node(ant), bee: yield* node(bee), line, realm: bee.realm }
})

/** Who runs it now, and every time at which two did. */
const report = (of: string) => {
  const running: Array<string> = []
  const epochs: Array<number> = []
  let overlaps = 0
  const on = (name: string) =>
    singleton(
      "report",
      Effect.gen(function* () {
        epochs.push((yield* CurrentLease).epoch)
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            if (running.length > 0) overlaps++
            running.push(name)
          }),
          () => Effect.sync(() => void running.splice(running.indexOf(name), 1))
        )
        return yield* Effect.never
      }).pipe(Effect.scoped),
      { of, ttl }
    )
  return { running, epochs, on, overlaps: () => overlaps }
}

/** Waits, in real time, until something is so. */
const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.andThen(Effect.sleep(10), until(isSo))))

describe("a singleton of two systems", () => {
  it.live("runs on one of them, and on the other when that one stops", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* two
      const there = report("ant")
      yield* bee.system.run(there.on("bee"))
      yield* until(() => there.running.length > 0)
      yield* ant.system.run(there.on("ant"))
      yield* Effect.sleep(2 * ttl)
      expect(there.running).toEqual(["bee"])
      for (const { system } of [ant, bee]) expect((yield* system.inspect(address)).state).toBe("running")
      yield* bee.stop
      yield* until(() => there.running[0] === "ant")
      expect(there.overlaps()).toBe(0)
      expect(there.epochs).toEqual([...there.epochs].sort((a, b) => a - b))
    }).pipe(Effect.scoped, quiet)
  )

  it.live("is stopped where its authority cannot be reached before it runs elsewhere", () =>
    Effect.gen(function* () {
      const { ant, bee, line } = yield* two
      const there = report("ant")
      yield* bee.system.run(there.on("bee"))
      yield* until(() => there.running.length > 0)
      yield* ant.system.run(there.on("ant"))
      line.cut()
      yield* until(() => there.running[0] === "ant")
      line.mend()
      yield* Effect.sleep(2 * ttl)
      expect(there.running).toEqual(["ant"])
      expect(there.overlaps()).toBe(0)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("gives its lease back when it ends, and is supervised like any service", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* two
      let runs = 0
      const brief = singleton(
        "report",
        Effect.sync(() => {
          runs++
        }),
        { of: "ant", ttl, supervision: { restart: "transient" } }
      )
      yield* bee.system.run(brief)
      yield* until(() => runs === 1)
      yield* Effect.sleep(20)
      expect(yield* ant.system.leasesOf("local").find(address)).toBe(undefined)
      expect((yield* bee.system.inspect(address)).state).toBe("stopped")
    }).pipe(Effect.scoped, quiet)
  )
})

describe("the authority of another realm", () => {
  for (const { check, name } of laws.filter(({ name }) => !name.includes("defect"))) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const { bee, realm } = yield* two
        // The laws speak of holders by their names; over there they also have the realm of their node.
        const authority = bee.system.leasesOf("ant")
        const bare = (holder: string) => holder.split("/").at(-1)!
        const services = (address: string) => address.replace("/counter/", "/service/")
        const counters = (address: string) => address.replace("/service/", "/counter/")
        const named = <A extends { readonly address: string; readonly holder: string }>(it: A): A => ({
          ...it,
          address: counters(it.address),
          holder: bare(it.holder)
        })
        const over = <A extends { readonly address: string; readonly holder: string }>(it: A): A => ({
          ...it,
          address: services(it.address),
          holder: `${realm}/${it.holder}`
        })
        const error = <E extends { readonly address: string }>(error: E): E =>
          Object.assign(Object.create(Object.getPrototypeOf(error)) as E, error, {
            address: counters(error.address),
            ...("holder" in error ? { holder: bare(String(error.holder)) } : {})
          })
        const asLaws = LeaseAuthority.of({
          acquire: (address, holder, ttlMs) =>
            Effect.mapBoth(authority.acquire(services(address), holder, ttlMs), { onFailure: error, onSuccess: named }),
          renew: (lease) => Effect.mapError(authority.renew(over(lease)), error),
          release: (lease) => authority.release(over(lease)),
          find: (address) =>
            Effect.map(authority.find(services(address)), (found) => (found === undefined ? undefined : named(found)))
        })
        yield* Effect.provideService(check, LeaseAuthority, asLaws)
      }).pipe(Effect.scoped, quiet)
    )
  }

  it.effect("leases no actors, and nobody else's leases can be given back", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* two
      const error = yield* Effect.flip(bee.system.leasesOf("ant").acquire("continuum://local/counter/a", "x", 1_000))
      expect(error.message).toContain("only services")
      const lease = yield* ant.system.leasesOf("local").acquire(address, "somebody", 1_000)
      expect(yield* bee.system.leasesOf("ant").release(lease)).toBe(false)
      expect((yield* Effect.flip(bee.system.leasesOf("ant").renew(lease)))._tag).toBe("LeaseLost")
    }).pipe(Effect.scoped, quiet)
  )
})
