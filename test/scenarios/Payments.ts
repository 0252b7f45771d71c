/**
 * Two actors on two nodes: a payer counts what it sends, and each payment goes with its count to the durable mailbox of a till.
 */
import { actor, fromRpcs, reply } from "@continuum/actors/Actor"
import type { Identity } from "@continuum/core/Identity"
import { keyPairFromSeed } from "@continuum/core/Identity"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

/** The same keys for the same number, so that a node that is started again is the same one. */
export const identityOf = (number: number): Identity => ({
  node: keyPairFromSeed(new Uint8Array(32).fill(number)),
  realm: keyPairFromSeed(new Uint8Array(32).fill(number + 100))
})

class Rpcs extends RpcGroup.make(
  Rpc.make("pay", { payload: Schema.Int }),
  Rpc.make("paid", { success: Schema.Array(Schema.Int) })
) {}

/** Keeps the numbers of all payments, as they come. */
export const Till = fromRpcs(
  "till",
  Rpcs,
  {
    state: { schema: Schema.Array(Schema.Int), initial: [] },
    handlers: { pay: (paid, number) => reply([...paid, number]), paid: (paid) => paid }
  },
  { mailbox: "durable" }
)

/** Sends payment after payment to the till of a realm. */
export const payerTo = (realm: string) =>
  actor("payer", {
    state: 0,
    pay: (payments, _: void, context) => {
      context.at(Till, `continuum://${realm}/till/t`).tell.pay(payments + 1)
      return payments + 1
    },
    payments: (payments) => reply(payments, payments)
  })
