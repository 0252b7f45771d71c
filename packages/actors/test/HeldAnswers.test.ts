import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Result, Stream } from "effect"
import * as Actor from "../src/Actor.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Limits from "../src/Limits.ts"
import * as Topic from "../src/Topic.ts"

const Account = Actor.actor("account", {
  state: { name: "", total: 0 },
  add: (state, { amount, name }: { readonly name: string; readonly amount: number }, context) => {
    const next = { name, total: state.total + amount }
    return Actor.reply(next, `${context.name} ${next.total}`)
  },
  get: ({ total }, _: void, context) => Actor.reply({ name: context.name, total }, `${context.name} has ${total}`),
  deny: (_, why: string) => Effect.fail(why) as Effect.Effect<never, string>
})

const layer = ActorSystem.layer().pipe(Layer.provide(ActorStorageMemory.layer))

describe("answers that wait for the storage", () => {
  it.effect("go each to its own asker, also when more of them waited than there are messages to be used again", () =>
    Effect.gen(function* () {
      const system = yield* ActorSystem
      const names = Array.from({ length: Limits.messagesSpareMax + 100 }, (_, i) => `a${i}`)
      for (let round = 1; round <= 3; round++) {
        const answers = yield* Effect.forEach(
          names,
          (name, amount) => {
            const account = system.ref(Account, name)
            return Effect.all(
              [account.add({ name, amount }), account.get(), Effect.result(account.deny(`no ${name}`))],
              {
                concurrency: "unbounded"
              }
            )
          },
          { concurrency: "unbounded" }
        )
        for (const [amount, [added, had, denied]] of answers.entries()) {
          const name = names[amount]!
          expect([added, had]).toEqual([`${name} ${amount * round}`, `${name} has ${amount * round}`])
          expect(denied).toEqual(Result.fail(`no ${name}`))
        }
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect("take along what their own handler published, and nothing that one published which crashed", () =>
    Effect.gen(function* () {
      const topic = Topic.make<number>("numbers")
      const Crashing = Actor.actor("crashing", {
        state: 0,
        crash: (_: number, n: number, context) => {
          context.publish(topic, n)
          return Effect.die("boom") as Effect.Effect<number>
        }
      })
      const system = yield* ActorSystem
      const heard: Array<number> = []
      yield* Effect.forkChild(Stream.runForEach(system.events(topic), (n) => Effect.sync(() => void heard.push(n))))
      const settle = Effect.repeat(Effect.yieldNow, { times: 50 })
      yield* settle
      const account = system.ref(Account, "a")
      yield* account.add({ name: "a", amount: 1 })
      yield* Effect.exit(system.ref(Crashing, "c").crash(666))
      yield* account.add({ name: "a", amount: 1 })
      yield* settle
      expect(heard).toEqual([])
    }).pipe(Effect.provide(layer))
  )
})
