/**
 * What is on this node right now, counted at the moment of the question: for `status` and for `/metrics`.
 */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { ThoughtStream } from "@continuum/actors/thoughtstream/ThoughtStream"
import type { NodeStatus } from "@continuum/core/rpc"
import { version } from "@continuum/core/Version"
import { Personas } from "@continuum/persona/Personas"
import { Jit } from "@continuum/runtime-wasm/Jit"
import { Clock, Context, Effect, Layer } from "effect"
import { Home } from "./Home.ts"
import { counter, gauge, type Metric } from "./http/Exposition.ts"
import { Layers } from "./Layers.ts"
import { LogBook } from "./LogBook.ts"
import * as ModelMetrics from "./ModelMetrics.ts"
import { NodeInfo } from "./NodeInfo.ts"
import { NodeMesh } from "./NodeMesh.ts"

export class Inventory extends Context.Service<
  Inventory,
  {
    readonly status: Effect.Effect<NodeStatus>
    readonly metrics: Effect.Effect<ReadonlyArray<Metric>>
  }
>()("@continuum/node/Inventory") {}

export const layer = Layer.effect(
  Inventory,
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const stream = yield* ThoughtStream
    const jit = yield* Jit
    const layers = yield* Layers
    const personas = yield* Personas
    const home = yield* Home
    const info = yield* NodeInfo
    const logBook = yield* LogBook
    const mesh = yield* NodeMesh
    const connectedPeers = Effect.map(mesh.peers, (peers) => peers.filter(({ connected }) => connected).length)
    const uptimeSeconds = Effect.map(Clock.currentTimeMillis, (now) => (now - info.startedAtMs) / 1000)

    const status = Effect.gen(function* () {
      const totals = system.totals()
      const modules = yield* jit.modules
      return {
        name: info.name,
        publicKey: info.publicKey,
        url: info.url,
        version,
        runtime: info.runtime,
        home: home.path,
        pid: process.pid,
        uptimeSeconds: yield* uptimeSeconds,
        memoryBytes: yield* info.memoryBytes,
        languages: jit.languages,
        peers: yield* connectedPeers,
        mesh: yield* mesh.summary,
        actors: totals.activeActors + totals.services,
        modules: modules.length,
        layers: (yield* layers.known).length,
        personas: personas.names.length
      }
    })

    const stateBytes =
      system.maintenance === undefined ? Effect.succeed(0) : Effect.orElseSucceed(system.maintenance.bytes, () => 0)

    const metrics = Effect.gen(function* () {
      const totals = system.totals()
      const queue = system.scheduler.queue()
      const turns = yield* stream.queue
      const answers = (phase: (typeof turns)[number]["phase"]) => turns.filter((turn) => turn.phase === phase).length
      const modules = yield* jit.modules
      const sum = (of: (one: (typeof modules)[number]) => number) => modules.reduce((total, one) => total + of(one), 0)
      return [
        gauge("continuum_uptime_seconds", "Seconds since the node was ready", yield* uptimeSeconds),
        gauge("continuum_resident_memory_bytes", "Memory of the node's process", yield* info.memoryBytes),
        gauge("continuum_actors", "Actors that are active, services included", totals.activeActors + totals.services),
        gauge("continuum_mailbox_messages", "Messages that wait in mailboxes", totals.mailboxDepth),
        counter("continuum_messages_processed_total", "Messages that actors have handled", totals.processed),
        counter("continuum_actor_failures_total", "Crashes of handlers and services", totals.failed),
        counter("continuum_actor_restarts_total", "Restarts by supervisors", totals.restarts),
        counter("continuum_dead_letters_total", "Messages that no actor took", totals.deadLetters),
        counter("continuum_actor_passivations_total", "Idle actors that left memory", totals.passivated),
        counter("continuum_actor_turns_total", "Turns of actors on the run queue", queue.turns),
        counter("continuum_actor_preemptions_total", "Turns of actors that a better one ended", queue.preemptions),
        gauge("continuum_actors_ready", "Actors that wait for a turn", queue.readyCount),
        gauge("continuum_answers_running", "Answers of personas that have a turn", answers("runs")),
        gauge("continuum_answers_waiting", "Answers of personas that wait for a turn", turns.length - answers("runs")),
        gauge("continuum_reminders", "Reminders that actors will get", totals.reminders),
        counter("continuum_reminders_handled_total", "Reminders that actors have handled", totals.reminded),
        gauge("continuum_actors_lent", "Actors of this node that other nodes run", totals.lent),
        gauge("continuum_actors_guests", "Actors of other nodes that this one runs", totals.guests),
        gauge("continuum_state_bytes", "Bytes of the file of stored states", yield* stateBytes),
        gauge("continuum_peers", "Nodes that are connected", yield* connectedPeers),
        gauge("continuum_modules", "Modules that are kept", modules.length),
        gauge(
          "continuum_module_bytes",
          "Bytes of the modules that are kept",
          sum((one) => one.bytes)
        ),
        gauge(
          "continuum_module_uses",
          "Uses of the modules that are kept",
          sum((one) => one.uses)
        ),
        gauge(
          "continuum_module_failures",
          "Failed uses of the modules that are kept",
          sum((one) => one.failures)
        ),
        counter("continuum_log_lines_dropped_total", "Log lines that the disk did not take", yield* logBook.dropped),
        ...ModelMetrics.of(yield* layers.usages, layers.firstText)
      ]
    })

    return { status, metrics }
  })
)
