import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import { service } from "../src/Service.ts"
import { Timelines } from "../src/Timelines.ts"
import * as Limits from "../src/Limits.ts"

const Worker = Actor.actor(
  "worker",
  {
    state: 0,
    add: (state, n: number) => state + n,
    refuse: (): Effect.Effect<number, string> => Effect.fail("no"),
    boom: (): number => {
      throw new Error("boom")
    },
    later: (state, _: void, context) => {
      context.stash()
      return state
    }
  },
  { passivateAfter: "10 seconds", supervision: { backoffMin: "1 second", jitter: 0, period: "1 second" } }
)

const run = <A, E>(timelineEvents: number, effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, Layer.provide(ActorSystem.layer({ timelineEvents }), ActorStorageMemory.layer))

const timelineOf = (address: string) =>
  Effect.flatMap(ActorSystem, (system) =>
    Effect.map(system.inspect(address), ({ timeline }) =>
      timeline.map(({ detail, messageName, time, what }) =>
        [Date.parse(time) / 1_000, what, messageName, detail].filter((part) => part !== undefined).join(" ")
      )
    )
  )

describe("a timeline", () => {
  it.effect("has the last events of an actor's life and messages, over restarts and while it is not in memory", () =>
    run(
      20,
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const w = system.ref(Worker, "w")
        yield* w.add(1)
        yield* TestClock.adjust("1 second")
        yield* Effect.flip(w.refuse())
        yield* Effect.flip(w.boom())
        yield* TestClock.adjust("20 seconds")
        expect(system.totals().activeActors).toBe(0)
        expect(yield* timelineOf(w.address)).toEqual([
          "0 started",
          "0 handled add",
          "1 failed refuse",
          "1 crashed boom Error: boom",
          "1 restarts in 1000 ms",
          "2 started",
          "15 passivated"
        ])
        yield* w.tell.later()
        yield* TestClock.adjust(0)
        yield* system.stop(w.address)
        expect((yield* timelineOf(w.address)).slice(7)).toEqual([
          "21 started",
          "21 set aside later",
          `21 refused later ${w.address} is stopped: it was stopped by hand. Restart it with: ./jtag actors/restart '${w.address}'`,
          "21 stopped it was stopped by hand"
        ])
      })
    )
  )

  it.effect("is bounded, of a service too, and empty where none is kept", () =>
    Effect.gen(function* () {
      yield* run(
        3,
        Effect.gen(function* () {
          const system = yield* ActorSystem
          const w = system.ref(Worker, "w")
          for (let i = 0; i < 10; i++) yield* w.add(1)
          yield* Effect.flip(w.refuse())
          expect(yield* timelineOf(w.address)).toEqual(["0 handled add", "0 handled add", "0 failed refuse"])
          yield* system.run(service("gossip", Effect.never))
          expect(yield* timelineOf("continuum://local/service/gossip")).toEqual(["0 started"])
        })
      )
      yield* run(
        0,
        Effect.gen(function* () {
          const system = yield* ActorSystem
          yield* system.ref(Worker, "w").add(1)
          expect(yield* timelineOf("continuum://local/worker/w")).toEqual([])
        })
      )
    })
  )

  it("is forgotten when there are too many, the oldest first", () => {
    const timelines = new Timelines(() => 0, 2)
    for (let i = 0; i <= Limits.timelinesMax; i++) timelines.life(`a${i}`, "started")
    expect(timelines.of("a0")).toEqual([])
    expect(timelines.of("a1")).toHaveLength(1)
  })
})
