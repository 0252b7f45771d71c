import * as EngineWatch from "@continuum/genome/backend/EngineWatch"
import { engineSilenceMsMax } from "@continuum/genome/Limits"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"

/** Whether the silence of a watched engine was noticed after `seconds`, each of which `each` fills. */
const noticed = Effect.fnUntraced(function* (
  watch: EngineWatch.EngineWatch,
  seconds: number,
  each: (second: number) => void
) {
  const silence = yield* Effect.forkChild(watch.silence, { startImmediately: true })
  for (let second = 0; second < seconds; second++) {
    each(second)
    yield* TestClock.adjust("1 second")
  }
  const isNoticed = silence.pollUnsafe() !== undefined
  yield* Fiber.interrupt(silence)
  return isNoticed
})

const seconds = engineSilenceMsMax / 1000
const late = Math.ceil(seconds * 1.5) + 1

describe("the watch over an engine", () => {
  it.effect("notices one that hangs, also when each client leaves before the next one comes", () =>
    Effect.gen(function* () {
      const watch = EngineWatch.make(() => false)
      assert.isTrue(yield* noticed(watch, late, (second) => watch.asked(second)))
    })
  )

  it.effect("notices one that stops in the middle of an answer that somebody waits for", () =>
    Effect.gen(function* () {
      const watch = EngineWatch.make(() => true)
      watch.asked(1)
      watch.heard()
      watch.begun(1)
      assert.isTrue(yield* noticed(watch, late, () => {}))
    })
  )

  it.effect("lets one be that says something now and then, that has nothing to do, or not for so long yet", () =>
    Effect.gen(function* () {
      const busy = EngineWatch.make(() => true)
      assert.isFalse(yield* noticed(busy, 4 * seconds, (second) => second % 20 === 0 && busy.heard()))
      const idle = EngineWatch.make(() => false)
      idle.asked(1)
      idle.begun(1)
      assert.isFalse(yield* noticed(idle, 4 * seconds, () => {}))
      const fresh = EngineWatch.make(() => true)
      assert.isFalse(yield* noticed(fresh, seconds - 1, () => {}))
    })
  )
})
