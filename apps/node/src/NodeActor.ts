/**
 * The node itself as an actor, `continuum://<realm>/node/self`: what other nodes may see and do here besides sending
 * messages to its actors. Each message is quick, so that they do not wait for each other.
 */
import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { AddressUnknown } from "@continuum/actors/ActorError"
import { ActorDetail, ActorSummary, DeadLetter } from "@continuum/actors/rpc"
import { AddressMalformed } from "@continuum/core/Address"
import { Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const address = { address: Schema.String }
const unknown = Schema.Union([AddressMalformed, AddressUnknown])

export class NodeActorRpcs extends RpcGroup.make(
  Rpc.make("list", { payload: { kind: Schema.optionalKey(Schema.String) }, success: Schema.Array(ActorSummary) }),
  /** Of an actor here: the realm of its address is `local`. */
  Rpc.make("inspect", { payload: address, success: ActorDetail, error: unknown }),
  Rpc.make("restart", { payload: address, success: ActorSummary, error: unknown }),
  Rpc.make("deadletters", { payload: {}, success: Schema.Array(DeadLetter) })
) {}

export const kind = "node"
export const name = "self"

export const NodeActor = Actor.fromRpcs(
  kind,
  NodeActorRpcs,
  {
    state: { schema: Schema.Null, initial: null },
    handlers: {
      list: (state, { kind }) =>
        Effect.flatMap(ActorSystem, (system) => Effect.map(system.list(kind), (found) => Actor.reply(state, found))),
      inspect: (state, { address }) =>
        Effect.flatMap(ActorSystem, (system) =>
          Effect.map(system.inspect(address), (found) => Actor.reply(state, found))
        ),
      restart: (state, { address }) =>
        Effect.flatMap(ActorSystem, (system) =>
          Effect.map(system.restart(address), (found) => Actor.reply(state, found))
        ),
      deadletters: (state) =>
        Effect.flatMap(ActorSystem, (system) => Effect.map(system.deadLetters, (found) => Actor.reply(state, found)))
    }
  },
  { durable: false, accepts: (asked) => asked === name }
)
