/**
 * The part of a node's RPC contract that shows and reaches its actors. Schemas only.
 */
import * as Address from "@continuum/core/Address"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { ActorEvent } from "./ActorEvents.ts"
import { ActorError, MigrationRefused } from "./ActorError.ts"
import { StorageFailed } from "./ActorStorage.ts"
import * as Limits from "./Limits.ts"
import { RemoteError } from "./RemoteError.ts"

export const ActorSummary = Schema.Struct({
  address: Schema.String,
  kind: Schema.String,
  /** `restarting`: waiting out a backoff. `stopped`: gave up or was told to. */
  state: Schema.Literals(["idle", "running", "restarting", "stopped"]),
  /** Messages waiting; of a durable mailbox all that are stored. */
  mailbox: Schema.Int,
  processed: Schema.Int,
  restarts: Schema.Int,
  /** 0 to 255, higher first. */
  priority: Schema.Int,
  /** Name of the node that runs it; of a peer that has no name, its realm. */
  node: Schema.String
})
export type ActorSummary = typeof ActorSummary.Type

/** One failure as its supervisor saw it. */
export const Failure = Schema.Struct({
  /** ISO 8601, UTC. */
  time: Schema.String,
  /** The message that was being handled, or `start`. */
  messageName: Schema.String,
  cause: Schema.String
})
export type Failure = typeof Failure.Type

/** A message to itself that an actor will get, also after a restart of the node. */
export const Reminder = Schema.Struct({
  key: Schema.String,
  messageName: Schema.String,
  /** ISO 8601, UTC. */
  due: Schema.String,
  /** Milliseconds between two; absent for one that comes once. */
  everyMs: Schema.optionalKey(Schema.Int)
})
export type Reminder = typeof Reminder.Type

/** One event in the timeline of an actor. */
export const TimelineEvent = Schema.Struct({
  /** ISO 8601, UTC. */
  time: Schema.String,
  /** `failed`: an expected failure. `crashed`: the handler, a commit or the service died. `refused`: a message that was not handled. */
  what: Schema.Literals([
    "started",
    "handled",
    "set aside",
    "failed",
    "crashed",
    "refused",
    "restarts",
    "passivated",
    "stopped",
    "ended"
  ]),
  messageName: Schema.optionalKey(Schema.String),
  detail: Schema.optionalKey(Schema.String)
})
export type TimelineEvent = typeof TimelineEvent.Type

export const ActorDetail = Schema.Struct({
  ...ActorSummary.fields,
  durable: Schema.Boolean,
  /** Whether it answers its own realm alone, or whoever may send to actors here. */
  exposed: Schema.Literals(["realm", "mesh"]),
  /** Names of the messages it handles. */
  messages: Schema.Array(Schema.String),
  /** The state as plain data, cut off where it is large. */
  stateValue: Schema.Unknown,
  /** Names of the messages that wait, oldest first, at most 100. */
  waiting: Schema.Array(Schema.String),
  /** The last failures, newest first. */
  failures: Schema.Array(Failure),
  /** The next one first, at most 100. */
  reminders: Schema.Array(Reminder),
  /** What happened to it lately, oldest first; empty where the system keeps no timelines. */
  timeline: Schema.Array(TimelineEvent),
  /** ISO 8601, UTC; absent when it was never active in this process. */
  startedAt: Schema.optionalKey(Schema.String)
})
export type ActorDetail = typeof ActorDetail.Type

/** A message that no actor took, and why. */
export const DeadLetter = Schema.Struct({
  /** ISO 8601, UTC. */
  time: Schema.String,
  address: Schema.String,
  messageName: Schema.String,
  reason: Schema.String
})
export type DeadLetter = typeof DeadLetter.Type

export const Backup = Schema.Struct({ path: Schema.String, bytes: Schema.Int })

/** Bytes of the file of stored states before and after. */
export const Compaction = Schema.Struct({ bytesBefore: Schema.Int, bytesAfter: Schema.Int })

/** An error that the actor's own handler failed with: an expected failure, as plain data. */
export class HandlerFailed extends Schema.TaggedError<HandlerFailed>()("HandlerFailed", {
  address: Schema.String,
  messageName: Schema.String,
  error: Schema.Unknown
}) {
  override get message() {
    return `${this.address} answered "${this.messageName}" with an error: ${JSON.stringify(this.error)}`
  }
}

/** A service runs as long as its node does. */
export class ServiceKept extends Schema.TaggedError<ServiceKept>()("ServiceKept", { address: Schema.String }) {
  override get message() {
    return `${this.address} is a service, which runs as long as its node. Restart it with actors/restart, or stop the node`
  }
}

/** What happens to one actor, for whoever watches it. */
export const WatchedEvent = Schema.Union([
  /** How it is when the watch begins, or goes on after an interruption. */
  Schema.TaggedStruct("Now", { state: ActorSummary.fields.state, restarts: Schema.Int }),
  /** `time`: by the clock of its node, ISO 8601, UTC. */
  Schema.TaggedStruct("Happened", { time: Schema.String, event: ActorEvent }),
  /** So many events of the node came too fast, and are lost. */
  Schema.TaggedStruct("Missed", { count: Schema.Int }),
  /** The way to its node is gone; the watch goes on once it is back. */
  Schema.TaggedStruct("Interrupted", { reason: Schema.String })
])
export type WatchedEvent = typeof WatchedEvent.Type

const address = { address: Schema.String }
/** Whose actors: `local`, or a peer by name or public key. Default `local`. */
const mesh = Schema.optionalKey(Schema.String)
const meshErrors = Schema.Union([...ActorError.members, ...RemoteError.members])
const errors = Schema.Union([Address.AddressMalformed, HandlerFailed, ...ActorError.members, ...RemoteError.members])

export class ActorRpcs extends RpcGroup.make(
  Rpc.make("actors.list", {
    payload: { kind: Schema.optionalKey(Schema.String), mesh },
    success: Schema.Array(ActorSummary),
    error: meshErrors
  }),
  Rpc.make("actors.inspect", { payload: address, success: ActorDetail, error: errors }),
  Rpc.make("actors.ask", {
    payload: { ...address, messageName: Schema.String, payload: Schema.Unknown },
    success: Schema.Unknown,
    error: errors
  }),
  Rpc.make("actors.restart", { payload: address, success: ActorSummary, error: errors }),
  /** Stops an actor in order; `actors.restart` brings it back. */
  Rpc.make("actors.stop", {
    payload: address,
    success: ActorSummary,
    error: Schema.Union([...errors.members, ServiceKept])
  }),
  /** Stops an actor and deletes its stored state and reminders, for good. */
  Rpc.make("actors.forget", {
    payload: address,
    success: Schema.Struct(address),
    error: Schema.Union([...errors.members, ServiceKept, StorageFailed])
  }),
  /** The life of an actor from now on; never ends. */
  Rpc.make("actors.watch", { payload: address, success: WatchedEvent, error: errors, stream: true }),
  /** Lends an actor of this node to another one, by name or public key, or brings it home with `local`. */
  Rpc.make("actors.migrate", {
    payload: { ...address, to: Schema.String },
    success: ActorSummary,
    error: Schema.Union([...errors.members, MigrationRefused])
  }),
  /** A copy of all stored states, as a file in a folder of the node's machine: an absolute path, by default in its home. */
  Rpc.make("actors.backup", {
    payload: { folder: Schema.optionalKey(Schema.String) },
    success: Backup,
    error: StorageFailed
  }),
  Rpc.make("actors.compact", { payload: {}, success: Compaction, error: StorageFailed }),
  Rpc.make("actors.deadletters", { payload: { mesh }, success: Schema.Array(DeadLetter), error: meshErrors })
) {}

/** A turn that an AI wants or has. */
export const TurnState = Schema.Struct({
  turnId: Schema.String,
  personaId: Schema.String,
  name: Schema.String,
  phase: Schema.Literals(["bids", "waits", "runs", "suspended"]),
  /** 0 to 255, with what was added for waiting. */
  effectivePriority: Schema.Number,
  /** Milliseconds in this phase. */
  ms: Schema.Number,
  tokens: Schema.Number
})
export type TurnState = typeof TurnState.Type

/** Who waits for the thread, and which AIs for their turns. */
export const SchedulerQueue = Schema.Struct({
  /** Those that run first, then those that wait, the best first. */
  turns: Schema.Array(TurnState),
  /** Turns that run at once. */
  slots: Schema.Number,
  /** Actors of the highest priority first. */
  ready: Schema.Array(
    Schema.Struct({
      address: Schema.String,
      priority: Schema.Int,
      /** The most work, in messages, that is done before its turn, if those that are ready now stay so. */
      waitBound: Schema.Number
    })
  ),
  /** Of all; `ready` names at most 1,000. */
  readyCount: Schema.Int,
  /** Turns of actors since the start, and those that a better actor ended. */
  actorTurns: Schema.Int,
  preemptions: Schema.Int
})
export type SchedulerQueue = typeof SchedulerQueue.Type

/** Times are milliseconds since 1970. */
export const SchedulerTrace = Schema.Struct({
  /** Turns of AIs: who bid, and each stretch of a turn, oldest first. */
  entries: Schema.Array(
    Schema.Union([
      Schema.TaggedStruct("Decision", {
        timeMs: Schema.Number,
        turnId: Schema.String,
        why: Schema.Literals(["named", "all answered", "window", "the one before died"]),
        bids: Schema.Array(
          Schema.Struct({
            personaId: Schema.String,
            name: Schema.String,
            score: Schema.Number,
            effectivePriority: Schema.Number
          })
        )
      }),
      Schema.TaggedStruct("Span", {
        personaId: Schema.String,
        name: Schema.String,
        turnId: Schema.String,
        waitedMs: Schema.Number,
        fromMs: Schema.Number,
        toMs: Schema.Number,
        end: Schema.Literals(["done", "suspended", "died", "expired"])
      })
    ])
  ),
  /** Turns of actors, if they were recorded. */
  actorTurns: Schema.Array(
    Schema.Struct({
      address: Schema.String,
      priority: Schema.Int,
      fromMs: Schema.Number,
      toMs: Schema.Number,
      /** In messages. */
      work: Schema.Number,
      end: Schema.Literals(["done", "preempted"])
    })
  ),
  /** Entries and turns that made room for later ones. */
  forgotten: Schema.Int,
  /** Both as a picture: turns of actors if they were recorded, otherwise turns of AIs. */
  svg: Schema.String
})
export type SchedulerTrace = typeof SchedulerTrace.Type

export class SchedulerRpcs extends RpcGroup.make(
  Rpc.make("scheduler.queue", { payload: {}, success: SchedulerQueue }),
  /** What the ThoughtStream has decided lately; with `recordMs` the turns of actors, too, which are recorded for so long first. */
  Rpc.make("scheduler.trace", {
    payload: {
      recordMs: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Limits.recordMsMax })))
    },
    success: SchedulerTrace
  })
) {}
