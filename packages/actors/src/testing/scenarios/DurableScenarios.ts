/**
 * What is stored: actors made of events, actors that are lent, and the leases of a realm.
 */
import { Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { emit, fromRpcs, reply } from "../../Actor.ts"
import { Counter } from "./AskScenarios.ts"
import { endOf, type Place, scenario, type Scenario, TooMuch } from "./Scenario.ts"

class AccountRpcs extends RpcGroup.make(
  Rpc.make("deposit", { payload: Schema.Number, success: Schema.Number }),
  Rpc.make("withdraw", { payload: Schema.Number, success: Schema.Number, error: TooMuch }),
  Rpc.make("crash", { success: Schema.Number }),
  Rpc.make("balance", { success: Schema.Number })
) {}

/** Made of events: what was added, or taken. */
export const Account = fromRpcs(
  "scenario-account",
  AccountRpcs,
  {
    state: { schema: Schema.Number, initial: 0 },
    handlers: {
      deposit: (_, euros) => emit([euros], (balance: number) => balance),
      withdraw: (balance, euros) =>
        euros > balance
          ? Effect.fail(new TooMuch({ limit: balance }))
          : Effect.succeed(emit([-euros], (balance: number) => balance)),
      crash: () => {
        throw new Error("crashed on purpose")
      },
      balance: (balance) => reply(balance, balance)
    }
  },
  { journal: { apply: (balance: number, change: number) => balance + change, snapshotEvery: 3 } }
)

const accountAt = ({ realm, run }: Place, name: string) => `continuum://${realm}/scenario-account/${run}-${name}`

export const scenarios: ReadonlyArray<Scenario> = [
  scenario(
    "an actor made of events answers with what they make, and after a crash is what they made",
    [1, 3, 6, 10, { error: { _tag: "TooMuch", limit: 10 } }, 8, "ActorFailed", 8],
    (place, system) =>
      Effect.gen(function* () {
        const account = system.at(Account, accountAt(place, "a"))
        const seen: Array<unknown> = []
        for (let euros = 1; euros <= 4; euros++) seen.push(yield* account.deposit(euros))
        seen.push(yield* endOf(place, account.withdraw(11)), yield* account.withdraw(2))
        const { _tag } = yield* Effect.flip(account.crash())
        return [...seen, _tag, yield* account.balance()]
      })
  ),
  scenario(
    "an actor that is lent there and brought home goes on with its state, and what it is told meanwhile is in order",
    [1, 3, 6, 10],
    ({ realm, run }, system) =>
      Effect.gen(function* () {
        const address = `continuum://local/scenario-counter/${run}-lent`
        const counter = system.at(Counter, address)
        const seen = [yield* counter.add({ by: 1 })]
        yield* system.migrate(address, realm)
        seen.push(yield* counter.add({ by: 2 }))
        yield* counter.tell.add({ by: 3 })
        seen.push(yield* counter.get())
        yield* system.migrate(address, "local")
        return [...seen, yield* counter.add({ by: 4 })]
      })
  ),
  scenario(
    "a lease of a service has one holder at a time, and an epoch that grows",
    ["LeaseHeld", true, true, "LeaseLost", true],
    ({ back, realm, run }, system) =>
      Effect.gen(function* () {
        const leases = system.leasesOf(realm)
        const address = `continuum://local/service/scenario-${run}`
        const first = yield* leases.acquire(address, back, 60_000)
        const held = yield* Effect.flip(leases.acquire(address, back, 60_000))
        yield* leases.renew(first)
        const released = yield* leases.release(first)
        const second = yield* leases.acquire(address, back, 60_000)
        const lost = yield* Effect.flip(leases.renew(first))
        const found = yield* leases.find(address)
        yield* leases.release(second)
        return [held._tag, released, second.epoch > first.epoch, lost._tag, found?.epoch === second.epoch]
      })
  )
]
