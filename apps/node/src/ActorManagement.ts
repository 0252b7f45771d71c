/** Stops and forgets actors of this node: for its owner, and for nodes that are granted `actors.manage`. Services are kept. */
import type { ActorSystem } from "@continuum/actors/ActorSystem"
import { ServiceKept } from "@continuum/actors/rpc"
import * as Service from "@continuum/actors/Service"
import * as Address from "@continuum/core/Address"
import { Effect } from "effect"

/** Stops an actor in order. How it is then. */
export const stop = (system: ActorSystem["Service"], address: string) =>
  notOfService(address, Effect.andThen(system.stop(address), system.inspect(address)))

/** Stops an actor and deletes what is stored of it. */
export const forget = (system: ActorSystem["Service"], address: string) => notOfService(address, system.forget(address))

const notOfService = <A, E>(address: string, task: Effect.Effect<A, E>) =>
  Effect.flatMap(Address.parse(address), ({ kind }): Effect.Effect<A, E | ServiceKept> =>
    kind === Service.kind ? Effect.fail(new ServiceKept({ address })) : task
  )
