import { Effect, Exit, Fiber } from "effect"
import { describe, expect, it } from "@effect/vitest"
import { Waiters } from "../src/Waiters.ts"

const fork = <A>(effect: Effect.Effect<A, string>) => Effect.forkChild(effect, { startImmediately: true })

/** What happened, and waiters that say so. */
const told = () => {
  const log: Array<string> = []
  const waiters = new Waiters<string, number, string>()
  const wait = (name: string) =>
    waiters.wait(
      name,
      () => log.push(`begin ${name}`),
      () => log.push(`give up ${name}`)
    )
  return { log, waiters, wait }
}

describe("those who wait for the same thing", () => {
  it.effect("begin it once, and all hear what came of it", () =>
    Effect.gen(function* () {
      const { log, wait, waiters } = told()
      const [a, b, other] = [yield* fork(wait("x")), yield* fork(wait("x")), yield* fork(wait("y"))]
      expect([...waiters.names()]).toEqual(["x", "y"])
      waiters.settle("x", Exit.succeed(1))
      expect([yield* Fiber.join(a), yield* Fiber.join(b)]).toEqual([1, 1])
      waiters.settle("y", Exit.fail("nothing"))
      expect(yield* Effect.flip(Fiber.join(other))).toBe("nothing")
      expect(log).toEqual(["begin x", "begin y"])
      expect([...waiters.names()]).toEqual([])
    })
  )

  it.effect("give it up with the last one who stops waiting, and the next one begins it again", () =>
    Effect.gen(function* () {
      const { log, wait, waiters } = told()
      const [a, b] = [yield* fork(wait("x")), yield* fork(wait("x"))]
      yield* Fiber.interrupt(a)
      expect(log).toEqual(["begin x"])
      yield* Fiber.interrupt(b)
      expect(log).toEqual(["begin x", "give up x"])
      waiters.settle("x", Exit.succeed(1))
      const again = yield* fork(wait("x"))
      waiters.settle("x", Exit.succeed(2))
      expect(yield* Fiber.join(again)).toBe(2)
      expect(log).toEqual(["begin x", "give up x", "begin x"])
    })
  )
})
