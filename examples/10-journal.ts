/**
 * An account made of events: run it again and it goes on where it was. The events are stored, each once; the state is what `apply`
 * makes of them, and a snapshot every 100 events keeps the next start short.
 */
import { actor, ActorSystem, emit } from "@continuum/actors"
import { Effect, Stream } from "effect"

type Event = { readonly deposited: number } | { readonly withdrawn: number }

const Account = actor(
  "account",
  {
    state: 0,
    deposit: (_, euros: number) => emit({ deposited: euros }, (balance: number) => balance),
    withdraw: (balance, euros: number) =>
      euros > balance ? Effect.fail("not enough") : Effect.succeed(emit({ withdrawn: euros }))
  },
  {
    journal: {
      apply: (balance: number, event: Event) =>
        "deposited" in event ? balance + event.deposited : balance - event.withdrawn,
      keep: 1_000
    }
  }
)

const { ref, stop, system } = await ActorSystem.start({ dir: process.env["ACCOUNT_DIR"] ?? "./data" })
const account = ref(Account, "ada")
await account.deposit(100)
await account.withdraw(30)
console.log(await account.deposit(5))
const events = await Effect.runPromise(Stream.runCollect(system.journal("continuum://local/account/ada")))
for (const { event, sequence } of events.slice(-3)) console.log(sequence, JSON.stringify(event))
await stop()
