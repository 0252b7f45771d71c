/**
 * Two actor systems in one process that lend each other actors.
 */
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { ActorStorage } from "../../src/ActorStorage.ts"
import * as ActorStorageMemory from "../../src/ActorStorageMemory.ts"
import { ActorSystem } from "../../src/ActorSystem.ts"
import * as DeliveryPair from "./DeliveryPair.ts"

export interface NodeOptions {
  readonly states?: Map<string, Uint8Array>
  readonly storage?: (storage: ActorStorage["Service"]) => ActorStorage["Service"]
  /** Default: so long that it does not end in a test, however busy the machine is. */
  readonly leaseTtl?: number
}

/** A system that can be stopped, or left behind as if its process had died. */
export const node = (
  { delivery, name }: DeliveryPair.End,
  { leaseTtl = 30_000, states = new Map(), storage = (it) => it }: NodeOptions = {}
) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const layer = Layer.provide(
      ActorSystem.layer({ stopTimeout: 500, nodeName: name, delivery, leaseTtl }),
      Layer.sync(ActorStorage, () => storage(ActorStorageMemory.make(states)))
    )
    const context = yield* Layer.buildWithScope(layer, scope)
    return {
      system: Context.get(context, ActorSystem),
      states,
      stop: Scope.close(scope, Exit.void)
    }
  })

/** Two of them, with the line between. */
export const pair = (options: { readonly ant?: NodeOptions; readonly bee?: NodeOptions } = {}) =>
  Effect.gen(function* () {
    const [ant, bee, line] = DeliveryPair.make()
    const home = yield* node(ant, options.ant)
    const host = yield* node(bee, options.bee)
    return { ant, bee, line, home, host }
  })
