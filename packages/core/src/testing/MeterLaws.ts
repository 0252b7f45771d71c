/**
 * What every Meter does. Run each law with an empty meter for `accountsMax` accounts.
 */
import { Effect, Exit } from "effect"
import { Meter, overflowAccount } from "../Meter.ts"
import { type Law, same } from "./Law.ts"

/** Accounts of the meter that the laws are run with. */
export const accountsMax = 3

const law = (name: string, check: (meter: Meter["Service"]) => Effect.Effect<void, unknown>): Law<Meter> => ({
  name,
  check: Effect.flatMap(Meter, check)
})

export const laws: ReadonlyArray<Law<Meter>> = [
  law("an unused meter shows nothing", (meter) =>
    Effect.gen(function* () {
      yield* same("the usages", yield* meter.usages, [])
      yield* same("the usage of a stranger", yield* meter.usageOf("nobody"), [])
      yield* same("the total", yield* meter.total("fuel"), 0)
    })
  ),
  law("amounts and counts add up by account and by resource", (meter) =>
    Effect.gen(function* () {
      yield* meter.add("a", "fuel", 100)
      yield* meter.add("a", "fuel", 0.5)
      yield* meter.add("a", "ms", 2)
      yield* meter.add("b", "fuel", 7)
      yield* same("a", yield* meter.usageOf("a"), [
        { account: "a", resource: "fuel", amount: 100.5, count: 2 },
        { account: "a", resource: "ms", amount: 2, count: 1 }
      ])
      yield* same("all", (yield* meter.usages).length, 3)
      yield* same("the total of fuel", yield* meter.total("fuel"), 107.5)
      yield* same("the total of tokens", yield* meter.total("promptTokens"), 0)
    })
  ),
  law("an amount of 0 counts as one use", (meter) =>
    Effect.gen(function* () {
      yield* meter.add("a", "calls", 0)
      yield* same("a", yield* meter.usageOf("a"), [{ account: "a", resource: "calls", amount: 0, count: 1 }])
    })
  ),
  law("an impossible amount is a defect and counts for nothing", (meter) =>
    Effect.gen(function* () {
      for (const amount of [-1, NaN, Infinity, -Infinity]) {
        const exit = yield* Effect.exit(meter.add("a", "fuel", amount))
        yield* same(`add(${amount}) to fail`, Exit.isFailure(exit), true)
      }
      yield* same("the usages", yield* meter.usages, [])
      yield* same("the total", yield* meter.total("fuel"), 0)
    })
  ),
  law("accounts beyond the limit share the overflow account, and totals stay true", (meter) =>
    Effect.gen(function* () {
      for (let i = 0; i < 10; i++) yield* meter.add(`account ${i}`, "bytes", 1)
      yield* meter.add("account 0", "bytes", 1)
      yield* meter.add("account 9", "bytes", 1)
      yield* same("the first", yield* meter.usageOf("account 0"), [
        { account: "account 0", resource: "bytes", amount: 2, count: 2 }
      ])
      yield* same("the last", yield* meter.usageOf("account 9"), [])
      yield* same("the overflow", yield* meter.usageOf(overflowAccount), [
        { account: overflowAccount, resource: "bytes", amount: 8, count: 8 }
      ])
      yield* same(
        "the number of accounts",
        new Set((yield* meter.usages).map(({ account }) => account)).size,
        accountsMax + 1
      )
      yield* same("the total", yield* meter.total("bytes"), 12)
    })
  ),
  law("what was read does not change when more is used", (meter) =>
    Effect.gen(function* () {
      yield* meter.add("a", "fuel", 1)
      const before = yield* meter.usages
      yield* meter.add("a", "fuel", 1)
      yield* same("the earlier reading", before, [{ account: "a", resource: "fuel", amount: 1, count: 1 }])
    })
  )
]
