/**
 * The process that pays until it is killed: `payer.ts BOOTSTRAP DIR KEY_OF_THE_TILL REALM_OF_THE_TILL PAYMENTS`. It says how many
 * payments it finds, and each one that it has made.
 */
import type { PublicKey } from "@continuum/core/Identity"
import { allActions } from "@continuum/mesh/Mesh"
import { Effect } from "effect"
import process from "node:process"
import * as Node from "./Node.ts"
import { identityOf, payerTo } from "./Payments.ts"

const [bootstrap, dir, till, realm, payments] = process.argv.slice(2)
process.stdin.resume()
process.stdin.on("end", () => process.exit(0))

await Effect.gen(function* () {
  const { mesh, system } = yield* Node.start("payer", bootstrap!, { dir: dir!, identity: identityOf(1) })
  yield* mesh.grant(till as PublicKey, allActions)
  // The till may be away for a while.
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.ignore(mesh.add(till!)), Effect.sleep("200 millis"))))
  const payer = system.ref(payerTo(realm!), "p")
  console.log(`found ${yield* payer.payments()}`)
  for (let n = 0; n < Number(payments); n++) console.log(`paid ${yield* payer.pay()}`)
  return yield* Effect.never
}).pipe(Effect.scoped, Effect.runPromise)
