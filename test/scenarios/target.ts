/**
 * The process whose actors are asked: `target.ts BOOTSTRAP KEY_OF_THE_ASKER`. Prints its keys when it is ready, grants the
 * asker everything, and ends with its standard input.
 */
import type { PublicKey } from "@continuum/core/Identity"
import { Effect } from "effect"
import process from "node:process"
import * as Node from "./Node.ts"
import { allActions } from "@continuum/mesh/Mesh"

const [bootstrap, asker] = process.argv.slice(2)
process.stdin.resume()
process.stdin.on("end", () => process.exit(0))

await Effect.gen(function* () {
  const { identity, mesh } = yield* Node.start("target", bootstrap!)
  yield* mesh.grant(asker as PublicKey, allActions)
  console.log(JSON.stringify({ node: identity.node.publicKey, realm: identity.realm.publicKey }))
  return yield* Effect.never
}).pipe(Effect.scoped, Effect.runPromise)
