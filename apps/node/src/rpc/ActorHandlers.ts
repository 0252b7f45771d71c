/** `actors.*`: shows and reaches the actors of this node. */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { ActorRpcs } from "@continuum/actors/rpc"
import { Effect } from "effect"

export const layer = ActorRpcs.toLayer(
  Effect.gen(function* () {
    const system = yield* ActorSystem
    return {
      "actors.list": ({ kind }) => system.list(kind),
      "actors.inspect": ({ address }) => system.inspect(address),
      "actors.ask": ({ address, messageName, payload }) => system.askUnknown(address, messageName, payload),
      "actors.restart": ({ address }) => system.restart(address),
      "actors.deadletters": () => system.deadLetters
    }
  })
)
