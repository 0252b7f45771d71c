/** `node.*`: what the node is, how it fares, and its stop. */
import { NodeRpcs } from "@continuum/core/rpc"
import { Effect } from "effect"
import { Doctor } from "../Doctor.ts"
import { Inventory } from "../Inventory.ts"
import { LogBook } from "../LogBook.ts"
import { NodeConfig } from "../NodeConfig.ts"
import { Stop } from "../Stop.ts"

// The answer to `down` must have left before the doors close.
const stopDelay = "100 millis"

export const layer = NodeRpcs.toLayer(
  Effect.gen(function* () {
    const inventory = yield* Inventory
    const doctor = yield* Doctor
    const logBook = yield* LogBook
    const config = yield* NodeConfig
    const stop = yield* Stop
    return {
      "node.status": () => inventory.status,
      "node.doctor": () => doctor.report,
      "node.logs": ({ lines, follow }) => logBook.read(lines, follow),
      "node.config": () => Effect.succeed(config.entries),
      "node.down": () =>
        Effect.logInfo("Stopping, as asked by a client").pipe(
          Effect.andThen(Effect.forkDetach(Effect.delay(stop.request, stopDelay))),
          Effect.as({ pid: process.pid })
        )
    }
  })
)
