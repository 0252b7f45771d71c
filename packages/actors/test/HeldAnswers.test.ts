import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import * as Actor from "../src/Actor.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Limits from "../src/Limits.ts"

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
})
