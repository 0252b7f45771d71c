/**
 * The node itself as an actor, `continuum://<realm>/node/self`: what other nodes may see and do here besides sending
 * messages to its actors. They do not wait for each other, and events stream beside.
 */
import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { AddressUnknown, LeaseUnavailable } from "@continuum/actors/ActorError"
import { StorageFailed } from "@continuum/actors/ActorStorage"
import { ActorDetail, ActorSummary, DeadLetter, ServiceKept } from "@continuum/actors/rpc"
import { AddressMalformed } from "@continuum/core/Address"
import { Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import * as ActorManagement from "./ActorManagement.ts"
import * as NodeEvents from "./NodeEvents.ts"

const address = { address: Schema.String }
const unknown = Schema.Union([AddressMalformed, AddressUnknown])
const unavailable = Schema.Union([...unknown.members, LeaseUnavailable])

const topicsMax = NodeEvents.TopicName.literals.length

export class NodeActorRpcs extends RpcGroup.make(
  Rpc.make("list", { payload: { kind: Schema.optionalKey(Schema.String) }, success: Schema.Array(ActorSummary) }),
  /** Of an actor here: the realm of its address is `local`. What is in one that answers its own realm alone is not shown. */
  Rpc.make("inspect", { payload: address, success: ActorDetail, error: unknown }),
  Rpc.make("restart", { payload: address, success: ActorSummary, error: unavailable }),
  /** These two are no asks: they need a grant of their own, `actors.manage`. */
  Rpc.make("stop", {
    payload: address,
    success: ActorSummary,
    error: Schema.Union([...unavailable.members, ServiceKept])
  }),
  Rpc.make("forget", {
    payload: address,
    error: Schema.Union([...unavailable.members, ServiceKept, StorageFailed])
  }),
  Rpc.make("deadletters", { payload: {}, success: Schema.Array(DeadLetter) }),
  /** What happens here from now on; `Subscribed` first. It never ends. */
  Rpc.make("events", {
    payload: { topics: Schema.Array(NodeEvents.TopicName).check(Schema.isMinLength(1), Schema.isMaxLength(topicsMax)) },
    success: NodeEvents.LocalEvent,
    stream: true
  })
) {}

const shownToPeers = (detail: ActorDetail): ActorDetail =>
  detail.exposed === "mesh" ? detail : { ...detail, stateValue: null, failures: [], reminders: [] }

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
          Effect.map(system.inspect(address), (found) => Actor.reply(state, shownToPeers(found)))
        ),
      restart: (state, { address }) =>
        Effect.flatMap(ActorSystem, (system) =>
          Effect.map(system.restart(address), (found) => Actor.reply(state, found))
        ),
      stop: (state, { address }) =>
        Effect.flatMap(ActorSystem, (system) =>
          Effect.map(ActorManagement.stop(system, address), (found) => Actor.reply(state, found))
        ),
      forget: (state, { address }) =>
        Effect.flatMap(ActorSystem, (system) => Effect.as(ActorManagement.forget(system, address), Actor.reply(state))),
      deadletters: (state) =>
        Effect.flatMap(ActorSystem, (system) => Effect.map(system.deadLetters, (found) => Actor.reply(state, found))),
      events: (state, { topics }) =>
        Effect.map(ActorSystem, (system) => Actor.reply(state, NodeEvents.watch(system, topics)))
    }
  },
  {
    durable: false,
    accepts: (asked) => asked === name,
    // Stopping another actor takes as long as its handler.
    reentrant: ["list", "inspect", "restart", "stop", "forget", "deadletters"]
  }
)
