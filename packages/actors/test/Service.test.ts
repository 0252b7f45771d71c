import { describe, expect, it } from "@effect/vitest"
import { Context, Effect } from "effect"
import { TestClock } from "effect/testing"
import { ActorSystem } from "../src/ActorSystem.ts"
import { service } from "../src/Service.ts"

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, ActorSystem.layerWithoutStorage())
const address = "continuum://local/service/ticker"
const supervision = { backoffMin: "1 second", jitter: 0 } as const

describe("a service", () => {
  it.effect("runs while the system does, and is listed and inspected by its address", () => {
    let ticks = 0
    const ticker = service(
      "ticker",
      Effect.forever(
        Effect.andThen(
          Effect.sync(() => ticks++),
          Effect.sleep("1 second")
        )
      ),
      { priority: 200 }
    )
    return Effect.gen(function* () {
      yield* run(
        Effect.gen(function* () {
          const system = yield* ActorSystem
          yield* system.run(ticker)
          yield* TestClock.adjust("9 seconds")
          expect(ticks).toBe(10)
          const summary = {
            address,
            kind: "service",
            state: "running",
            mailbox: 0,
            processed: 0,
            restarts: 0,
            priority: 200,
            node: "local"
          }
          expect(yield* system.list("service")).toEqual([summary])
          expect(yield* system.inspect(address)).toMatchObject({
            ...summary,
            durable: false,
            messages: [],
            failures: []
          })
        })
      )
      yield* TestClock.adjust("9 seconds")
      expect(ticks).toBe(10)
    })
  })

  it.effect("that fails is restarted with a backoff that grows, and its failures are kept", () => {
    let runs = 0
    const failing = service(
      "ticker",
      Effect.suspend(() => Effect.fail(new Error(`number ${++runs}`))),
      { supervision }
    )
    return run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.run(failing)
        yield* TestClock.adjust(0)
        expect(runs).toBe(1)
        expect(yield* system.inspect(address)).toMatchObject({
          state: "restarting",
          restarts: 1,
          failures: [{ messageName: "run" }]
        })
        yield* TestClock.adjust("999 millis")
        expect(runs).toBe(1)
        yield* TestClock.adjust("1 millis")
        expect(runs).toBe(2)
        yield* TestClock.adjust("1999 millis")
        expect(runs).toBe(2)
        yield* TestClock.adjust("1 millis")
        expect(runs).toBe(3)
        const { failures } = yield* system.inspect(address)
        expect(failures.map(({ cause }) => cause.split("\n")[0])).toEqual([
          "Error: number 3",
          "Error: number 2",
          "Error: number 1"
        ])
        expect(system.totals()).toMatchObject({ failed: 3, restarts: 3, services: 1 })
      })
    )
  })

  it.effect("that ends is restarted when it is permanent, and stays ended when it is transient", () => {
    const runs = { permanent: 0, transient: 0 }
    const once = (restart: "permanent" | "transient") =>
      service(
        restart,
        Effect.sync(() => void runs[restart]++),
        { supervision: { ...supervision, restart } }
      )
    return run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.run(once("permanent"))
        yield* system.run(once("transient"))
        yield* TestClock.adjust("1 second")
        expect(runs).toEqual({ permanent: 2, transient: 1 })
        expect((yield* system.list()).map(({ state }) => state)).toEqual(["restarting", "stopped"])
      })
    )
  })

  it.effect("that fails more often than it may stops, says why, and runs again when it is restarted by hand", () => {
    let isBroken = true
    const broken = service(
      "ticker",
      Effect.suspend(() => (isBroken ? Effect.fail("broken") : Effect.never)),
      {
        supervision: { ...supervision, intensity: 1 }
      }
    )
    return run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.run(broken)
        yield* TestClock.adjust("1 second")
        const detail = yield* system.inspect(address)
        expect(detail.state).toBe("stopped")
        expect(detail.stateValue).toEqual({
          stopped: 'more than 1 restarts in 1m; last failure in "run": Error: broken'
        })
        isBroken = false
        expect(yield* system.restart(address)).toMatchObject({ state: "running", restarts: 2 })
        yield* TestClock.adjust("1 minute")
        expect((yield* system.inspect(address)).state).toBe("running")
      })
    )
  })

  it.effect("is interrupted, with its finalizers, by a restart by hand and by the stop of the system", () => {
    const log: Array<string> = []
    const careful = service(
      "ticker",
      Effect.sync(() => log.push("up")).pipe(
        Effect.andThen(Effect.never),
        Effect.ensuring(
          Effect.andThen(
            Effect.sleep(10),
            Effect.sync(() => log.push("down"))
          )
        )
      )
    )
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(
        run(
          Effect.gen(function* () {
            const system = yield* ActorSystem
            yield* system.run(careful)
            yield* Effect.yieldNow
            yield* system.restart(address)
            yield* Effect.yieldNow
          })
        )
      )
      yield* TestClock.adjust(100)
      yield* TestClock.adjust(100)
      expect(fiber.pollUnsafe()?._tag).toBe("Success")
      expect(log).toEqual(["up", "down", "up", "down"])
    })
  })

  it.effect("gets the services of whoever runs it, and cannot be asked anything", () => {
    class Clerk extends Context.Service<Clerk, { readonly name: string }>()("test/Service/Clerk") {}
    let seen = ""
    const curious = service(
      "ticker",
      Effect.andThen(
        Effect.map(Clerk, ({ name }) => void (seen = name)),
        Effect.never
      )
    )
    return run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* Effect.provideService(system.run(curious), Clerk, { name: "Ada" })
        yield* Effect.yieldNow
        expect(seen).toBe("Ada")
        expect(yield* Effect.flip(system.askUnknown(address, "get", null))).toMatchObject({
          _tag: "MessageUnknown",
          known: []
        })
        expect((yield* Effect.exit(system.run(service("ticker", Effect.never))))._tag).toBe("Failure")
      })
    )
  })
})
