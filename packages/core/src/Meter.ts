/**
 * Port: who used how much of what. `/metrics` reads it, and later the market bills by it.
 *
 * Amounts only grow. Counting never fails and never waits, because it sits on the path of what it counts. It is a
 * statistic and not a ledger: an implementation may lose what was counted since its last write when the process dies.
 */
import { Context, Effect, Layer, Schema } from "effect"
import { meterAccountsMax } from "./Limits.ts"

/**
 * What is used up. `fuel`: WebAssembly instructions; `bytes`: moved over the network; `ms`: of execution; `promptTokens` and
 * `completionTokens`: read and written by a language model; `calls`.
 */
export const Resource = Schema.Literals(["fuel", "bytes", "ms", "promptTokens", "completionTokens", "calls"])
export type Resource = typeof Resource.Type

/** What one account used of one resource. */
export const Usage = Schema.Struct({
  /** Address of the actor or public key of the peer that used it; or a word between `*`, such as `overflowAccount`. */
  account: Schema.String,
  resource: Resource,
  /** Sum of the amounts, in the unit of the resource; not negative. */
  amount: Schema.Number,
  /** How often it was counted. */
  count: Schema.Int
})
export type Usage = typeof Usage.Type

/** Takes what accounts beyond the limit use, so that totals stay true. No address and no key looks like it. */
export const overflowAccount = "*overflow*"

export class Meter extends Context.Service<
  Meter,
  {
    /** Adds to what the account used. An amount that is negative, infinite or NaN is a defect. */
    readonly add: (account: string, resource: Resource, amount: number) => Effect.Effect<void>
    /** What one account used, one entry a resource; empty when it used nothing, or was counted as overflow. */
    readonly usageOf: (account: string) => Effect.Effect<ReadonlyArray<Usage>>
    /** Every account and resource, in the order in which they were first counted. */
    readonly usages: Effect.Effect<ReadonlyArray<Usage>>
    /** Sum over all accounts, the overflow account included. */
    readonly total: (resource: Resource) => Effect.Effect<number>
  }
>()("@continuum/core/Meter") {}

/** Counts in memory, for at most `accountsMax` accounts and one more for the rest. */
export const layerMemory = (accountsMax: number = meterAccountsMax): Layer.Layer<Meter> =>
  Layer.sync(Meter, () => {
    const accounts = new Map<string, Map<Resource, { amount: number; count: number }>>()
    const totals = new Map<Resource, number>()

    const resourcesOf = (account: string) => {
      const known = accounts.get(account)
      if (known !== undefined) return known
      const named = accounts.size - (accounts.has(overflowAccount) ? 1 : 0)
      if (named >= accountsMax && account !== overflowAccount) return resourcesOf(overflowAccount)
      const resources = new Map<Resource, { amount: number; count: number }>()
      accounts.set(account, resources)
      return resources
    }
    const usageOf = (account: string): ReadonlyArray<Usage> =>
      Array.from(accounts.get(account) ?? [], ([resource, used]) => ({ account, resource, ...used }))

    return {
      add: (account, resource, amount) =>
        Effect.sync(() => {
          if (!(amount >= 0 && amount < Infinity)) throw new RangeError(`${amount} ${resource} cannot be used`)
          const resources = resourcesOf(account)
          const used = resources.get(resource)
          if (used === undefined) resources.set(resource, { amount, count: 1 })
          else {
            used.amount += amount
            used.count++
          }
          totals.set(resource, (totals.get(resource) ?? 0) + amount)
        }),
      usageOf: (account) => Effect.sync(() => usageOf(account)),
      usages: Effect.sync(() => [...accounts.keys()].flatMap(usageOf)),
      total: (resource) => Effect.sync(() => totals.get(resource) ?? 0)
    }
  })
