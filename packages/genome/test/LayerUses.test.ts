import * as ContentId from "@continuum/core/ContentId"
import * as LayerUses from "@continuum/genome/LayerUses"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"

const [one, other] = [ContentId.of("one"), ContentId.of("other")]

/** Uses of layers, and what was told of them. */
const collecting = Effect.gen(function* () {
  const told: Array<readonly [ContentId.ContentId, LayerUses.Uses]> = []
  const scope = yield* Scope.make()
  const uses = yield* Scope.provide(
    LayerUses.make((contentId, uses) => Effect.sync(() => told.push([contentId, uses]))),
    scope
  )
  return { uses, told, close: Scope.close(scope, Exit.void) }
})

describe("the uses of layers", () => {
  it.effect("are told together after a second, and the next ones after another", () =>
    Effect.gen(function* () {
      const { close, told, uses } = yield* collecting
      yield* uses.add(one, true)
      yield* uses.add(other, false)
      yield* TestClock.adjust("999 millis")
      yield* uses.add(one, false)
      assert.deepStrictEqual(told, [])
      yield* TestClock.adjust("1 millis")
      const first: typeof told = [
        [one, { uses: 2, failures: 1 }],
        [other, { uses: 1, failures: 1 }]
      ]
      assert.deepStrictEqual(told, first)
      yield* uses.add(one, true)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(told, [...first, [one, { uses: 1, failures: 0 }]])
      yield* TestClock.adjust("1 minute")
      yield* close
      assert.strictEqual(told.length, 3)
    })
  )

  it.effect("are told at once when somebody asks, and when it ends, and never twice", () =>
    Effect.gen(function* () {
      const { close, told, uses } = yield* collecting
      yield* uses.add(one, true)
      yield* uses.flush
      assert.deepStrictEqual(told, [[one, { uses: 1, failures: 0 }]])
      yield* uses.flush
      yield* TestClock.adjust("1 second")
      assert.strictEqual(told.length, 1)
      yield* uses.add(other, true)
      yield* close
      assert.deepStrictEqual(told[1], [other, { uses: 1, failures: 0 }])
    })
  )
})
