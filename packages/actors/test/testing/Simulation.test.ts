import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import * as Actor from "../../src/Actor.ts"
import * as Simulation from "../../src/testing/Simulation.ts"
import { checkProgram, programs } from "../simulation/Programs.ts"

const Counter = Actor.actor("counter", { state: 0, add: (state, n: number) => state + n, get: (state) => state })

/** Read, wait, write: loses updates when two do it at once. */
const lostUpdate = (world: Simulation.World) =>
  Effect.gen(function* () {
    let total = 0
    const add = Effect.gen(function* () {
      const before = total
      yield* Effect.yieldNow
      total = before + 1
    })
    yield* Effect.all([add, add], { concurrency: "unbounded" })
    yield* world.expect("both are counted", total === 2)
  })

describe("a simulation", () => {
  it("gives the same trace for the same seed, and others for others", async () => {
    for (const { name, run, ...faults } of programs) {
      const traces = new Set<string>()
      for (const seed of [1, 2, 3, 4, 5]) {
        const [first, again] = [
          await Simulation.run({ seed, ...faults }, run),
          await Simulation.run({ seed, ...faults }, run)
        ]
        expect(again.trace, `seed ${seed} of ${name}`).toBe(first.trace)
        expect(again.notes).toEqual(first.notes)
        traces.add(first.trace)
      }
      expect(traces.size).toBe(5)
    }
  })

  it("finds an error that depends on the order of things, and its message replays it", async () => {
    const failure = await Simulation.check({ seeds: Simulation.seedsFrom(1, 100) }, lostUpdate).catch(
      (error: Error) => error.message
    )
    expect(failure).toMatch(/Seed \d+ after \d+ steps[^]*It did not hold that both are counted/)
    const seed = Number(/Simulation\.run\(\{ seed: (\d+) \}/.exec(String(failure))![1])
    for (let again = 0; again < 3; again++) {
      expect(Simulation.describe(await Simulation.run({ seed }, lostUpdate))).toBe(failure)
    }
  })

  it("moves its clock only when there is nothing else to do, and takes no time for it", async () => {
    const { elapsedMs, exit } = await Simulation.run({ seed: 1 }, () => Effect.sleep("10 days"))
    expect(Exit.isSuccess(exit)).toBe(true)
    expect(elapsedMs).toBe(10 * 86_400_000)
  })

  it("says so when everything waits, and when nothing ends", async () => {
    const waiting = await Simulation.run({ seed: 1 }, () => Effect.never)
    expect(Simulation.describe(waiting)).toContain("everything waits for something else")
    const endless = await Simulation.run({ seed: 1 }, () => Effect.forever(Effect.yieldNow))
    expect(Simulation.describe(endless)).toContain("more than 1000000 steps")
  })

  it("runs handlers that are async functions", async () => {
    const Slow = Actor.actor("slow", {
      state: 0,
      add: async (state, n: number) => {
        await Promise.resolve()
        return state + n
      }
    })
    const { exit } = await Simulation.run({ seed: 1 }, (world) =>
      Effect.gen(function* () {
        const node = yield* world.start("n")
        return yield* node.run(Effect.suspend(() => node.system.ref(Slow, "s").add(2)))
      })
    )
    expect(exit).toEqual(Exit.succeed(2))
  })

  it("crashes a node without running its finalizers, tells who waits for it, and keeps what was flushed", async () => {
    let finalizers = 0
    const { exit } = await Simulation.run({ seed: 1 }, (world) =>
      Effect.gen(function* () {
        const node = yield* world.start("n")
        yield* node.run(Effect.suspend(() => node.system.ref(Counter, "c").add(41)))
        const forEver = Effect.ensuring(
          Effect.never,
          Effect.sync(() => finalizers++)
        )
        const waiting = yield* Effect.forkChild(Effect.flip(node.run(forEver)))
        yield* Effect.sleep(10)
        node.crash()
        const error = yield* Fiber.join(waiting)
        const late = yield* Effect.flip(node.run(Effect.void))
        const again = yield* world.start("n")
        return [error._tag, late._tag, yield* again.run(Effect.suspend(() => again.system.ref(Counter, "c").add(1)))]
      })
    )
    expect(exit).toEqual(Exit.succeed(["NodeCrashed", "NodeCrashed", 42]))
    expect(finalizers).toBe(0)
  })

  it("has disks that are full, fail and damage records, each of which the application sees as an error", async () => {
    const tags = (disk: object, prepare: (world: Simulation.World) => void = () => {}) =>
      Simulation.run({ seed: 1, disk }, (world) =>
        Effect.gen(function* () {
          const before = yield* world.start("n")
          yield* Effect.exit(before.run(Effect.suspend(() => before.system.ref(Counter, "c").add(1))))
          before.crash()
          prepare(world)
          const node = yield* world.start("n")
          return yield* node
            .run(Effect.suspend(() => node.system.ref(Counter, "c").add(1)))
            .pipe(Effect.match({ onFailure: (error) => error._tag, onSuccess: String }))
        })
      ).then(({ exit }) => exit)
    expect(await tags({})).toEqual(Exit.succeed("2"))
    expect(await tags({}, (world) => (world.disk("n").isFull = true))).toEqual(Exit.succeed("StateNotStored"))
    expect(await tags({ commitFails: 1 })).toEqual(Exit.succeed("StateNotStored"))
    expect(await tags({ recordCorrupt: 1 })).toEqual(Exit.succeed("ActorStopped"))
  })

  it("would find a storage that acknowledges what it does not keep", async () => {
    const forgetful = async (world: Simulation.World) => {
      const disk = world.disk("node")
      const storage = disk.storage.bind(disk)
      // Says that it is safe when it is not: the flush that it returns does nothing.
      disk.storage = () => {
        const honest = storage()
        return { ...honest, commit: (batch) => Effect.as(honest.commit(batch), Effect.void) }
      }
    }
    const [underFire] = programs
    const failure = await Simulation.check({ seeds: Simulation.seedsFrom(1, 200) }, (world) =>
      Effect.andThen(
        Effect.promise(() => forgetful(world)),
        underFire!.run(world)
      )
    ).catch((error: Error) => error.message)
    expect(failure).toContain("no acknowledged write is lost")
  })

  it("interrupts on the node what is interrupted outside", async () => {
    const { exit } = await Simulation.run({ seed: 3 }, (world) =>
      Effect.gen(function* () {
        const node = yield* world.start("n")
        const interrupted = yield* Deferred.make<string>()
        const fiber = yield* Effect.forkChild(
          node.run(Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, "interrupted")))
        )
        yield* Effect.sleep(5)
        yield* Fiber.interrupt(fiber)
        return yield* Deferred.await(interrupted)
      })
    )
    expect(exit).toEqual(Exit.succeed("interrupted"))
  })
})

describe("the actor runtime", () => {
  it("is failed by a program with the command that replays it", async () => {
    const wrong = { name: "one that fails", run: (world: Simulation.World) => world.expect("it holds", world.seed < 7) }
    const failure = await checkProgram(wrong, 5, 10).catch((error: Error) => error.message)
    expect(failure).toContain('tools/simulate.ts --program "one that fails" --from 7 --seeds 1')
  })

  // The first fifty hold seed 9, which found an answer that waited for ever for a batch that was stored. The others change from day
  // to day, and a failure names its seed.
  const block = Math.floor(Date.now() / 86_400_000) * 10_000
  for (const program of programs) {
    it(`keeps its promises in simulations of ${program.name}`, async () => {
      expect(await checkProgram(program, 1, 50)).toBe(50)
      expect(await checkProgram(program, block, 100)).toBe(100)
    })
  }
})
