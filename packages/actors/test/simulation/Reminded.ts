/**
 * Simulated reminders: an actor that sets and cancels them, whose handlers crash and whose disk refuses, on a node that crashes at any
 * step and whose clock jumps.
 */
import { Effect } from "effect"
import * as Actor from "../../src/Actor.ts"
import type { Violated, World } from "../../src/testing/Simulation.ts"
import type { Program } from "./Programs.ts"

const jumpMsMax = 600_000
const rounds = 8

interface Diary {
  /** How often each reminder has rung. */
  readonly rang: Readonly<Record<string, number>>
  readonly isEarly: boolean
}

/** What is known outside of the node. */
interface Seen {
  /** Crashes of the handler of each reminder. */
  readonly crashes: Map<string, number>
  /** Ids of each reminder. */
  readonly ids: Map<string, Set<string>>
  /** Whether the clock of the node has jumped in its present life. */
  hasJumped: boolean
}

const diaryOf = (world: World, seen: Seen) =>
  Actor.actor(
    "diary",
    {
      state: { rang: {}, isEarly: false } as Diary,
      set: (state, { afterMs, key }: { readonly key: string; readonly afterMs: number }, context) => {
        context.setReminder(key, { after: afterMs }, "ring", key)
        return state
      },
      cancel: (state, key: string, context) => {
        context.cancelReminder(key)
        return state
      },
      ring: (state, key: string, { reminder }) =>
        Effect.gen(function* () {
          const { dueMs, id } = reminder!
          const nowMs = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          const isEarly = !seen.hasJumped && nowMs < dueMs
          seen.ids.set(key, (seen.ids.get(key) ?? new Set()).add(id))
          if (world.happens(0.2)) yield* Effect.sleep(world.below(5))
          const count = seen.crashes.get(key) ?? 0
          if (count < 2 && world.happens(0.3)) {
            seen.crashes.set(key, count + 1)
            return yield* Effect.die(new Error("crashed as told"))
          }
          return { rang: { ...state.rang, [key]: (state.rang[key] ?? 0) + 1 }, isEarly: state.isEarly || isEarly }
        }),
      get: (state) => Actor.reply(state, state)
    },
    { supervision: { intensity: 1_000_000, backoffMax: "50 millis" }, passivateAfter: "1 minute" }
  )

const reminded = (world: World): Effect.Effect<void, Violated> =>
  Effect.gen(function* () {
    const seen: Seen = { crashes: new Map(), ids: new Map(), hasJumped: false }
    const Diary = diaryOf(world, seen)
    const set = new Set<string>()
    const touched = new Set<string>()
    let next = 0
    for (let life = 0; life < 3; life++) {
      const node = yield* world.start("node")
      const diary = node.system.ref(Diary, "d")
      node.crashAfter(1 + world.below(500))
      seen.hasJumped = false
      for (let round = 0; round < rounds && node.isAlive(); round++) {
        const key = `k${next++}`
        const setting = { key, afterMs: world.below(100) }
        const exit = yield* Effect.exit(node.run(Effect.suspend(() => diary.set(setting))))
        if (exit._tag === "Success") set.add(key)
        if (world.happens(0.2)) {
          touched.add(key)
          yield* Effect.exit(node.run(Effect.suspend(() => diary.cancel(key))))
        }
        if (world.happens(0.1)) world.disk("node").isFull = !world.disk("node").isFull
        if (world.happens(0.1)) {
          seen.hasJumped = true
          node.jumpClock(world.below(2 * jumpMsMax) - jumpMsMax)
        }
        if (world.happens(0.5)) yield* Effect.sleep(world.below(60))
      }
      world.disk("node").isFull = false
      if (world.happens(0.2)) yield* node.stop
      else node.crash()
    }
    const last = yield* world.start("node")
    seen.hasJumped = false
    yield* Effect.ignore(last.run(Effect.suspend(() => last.system.register(Diary))))
    // As far as all jumps together may have moved a reminder.
    yield* Effect.sleep((rounds + 1) * jumpMsMax)
    const get = Effect.suspend(() => last.system.ref(Diary, "d").get())
    const { isEarly, rang } = yield* Effect.orDie(last.run(get))
    const { reminders } = last.system.totals()
    yield* world.expect(`no reminder is left (${reminders})`, reminders === 0)
    yield* world.expect("none came before its time", !isEarly)
    for (const key of set) {
      if (touched.has(key)) continue
      yield* world.expect(`${key}, which was acknowledged, has its effect (${rang[key]})`, rang[key] === 1)
    }
    for (const [key, count] of Object.entries(rang))
      yield* world.expect(`${key} has its effect once (${count})`, count === 1)
    for (const [key, ids] of seen.ids) yield* world.expect(`${key} has one id (${[...ids].join()})`, ids.size === 1)
  })

export const remindersUnderFire: Program = {
  name: "reminders under fire",
  disk: { commitFails: 0.05 },
  run: reminded
}
