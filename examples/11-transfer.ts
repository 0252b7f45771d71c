/**
 * Money that moves between two accounts, and survives `kill -9`: the accounts have durable mailboxes, so the two messages of a transfer
 * are stored together with the teller's state, and each has its effect once. Kill it at any moment and run it again: no euro is lost,
 * and none is made.
 */
import { actor, ActorSystem, reply } from "@continuum/actors"

const Account = actor(
  "account",
  {
    state: 1_000,
    change: (balance, euros: number) => balance + euros,
    read: (balance) => reply(balance, balance)
  },
  { mailbox: "durable" }
)

const Teller = actor("teller", {
  state: 0,
  transfer: (transfers, euros: number, context) => {
    context.ref(Account, "ada").tell.change(-euros)
    context.ref(Account, "bob").tell.change(euros)
    return transfers + 1
  },
  read: (transfers) => reply(transfers, transfers)
})

const { ref, stop } = await ActorSystem.start({ dir: process.env["BANK_DIR"] ?? "./data" })
const teller = ref(Teller, "t")
const before = await teller.read()
for (let n = 0; n < 100; n++) {
  // No reply has left yet, and no reply is needed: what is stored is stored.
  if (n === 50 && process.env["KILL"] !== undefined) setImmediate(() => process.kill(process.pid, "SIGKILL"))
  await teller.transfer(1)
}
const [ada, bob] = [await ref(Account, "ada").read(), await ref(Account, "bob").read()]
console.log(`${(await teller.read()) - before} transfers now; ada has ${ada}, bob has ${bob}, together ${ada + bob}`)
await stop()
