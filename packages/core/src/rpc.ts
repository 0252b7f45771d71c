/**
 * The node's own part of the RPC contract: what it is, how it fares, how it is stopped. Schemas only.
 */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

/** The node's place in the mesh. */
export const MeshSummary = Schema.Struct({
  /** `off`: it was started with `--offline`. `starting`: it is not up yet, or `problem` says why not. */
  state: Schema.Literals(["off", "starting", "ready"]),
  /** What carries it, such as `hyperswarm` or `sidecar (bare)`. */
  transport: Schema.String,
  /** UDP address, `host:port`: for `--bootstrap` and `peers/add` of other nodes. */
  listening: Schema.NullOr(Schema.String),
  problem: Schema.NullOr(Schema.String),
  /** How often the transport had to be started again. */
  restarts: Schema.Int
})
export type MeshSummary = typeof MeshSummary.Type

export const NodeStatus = Schema.Struct({
  name: Schema.String,
  publicKey: Schema.String,
  url: Schema.String,
  version: Schema.String,
  /** `bun 1.4.5`, `node 22.19.0`, ... */
  runtime: Schema.String,
  home: Schema.String,
  pid: Schema.Int,
  uptimeSeconds: Schema.Number,
  /** Bytes resident in memory. */
  memoryBytes: Schema.Int,
  /** Languages that this node compiles. */
  languages: Schema.Array(Schema.String),
  /** Connected nodes. */
  peers: Schema.Int,
  mesh: MeshSummary,
  actors: Schema.Int,
  modules: Schema.Int,
  layers: Schema.Int,
  personas: Schema.Int
})
export type NodeStatus = typeof NodeStatus.Type

/** One thing that `doctor` looked at. `fix` says what to do when it is not `ok`. */
export const DoctorCheck = Schema.Struct({
  name: Schema.String,
  ok: Schema.Boolean,
  detail: Schema.String,
  fix: Schema.optionalKey(Schema.String)
})
export type DoctorCheck = typeof DoctorCheck.Type

export const DoctorReport = Schema.Struct({ ok: Schema.Boolean, checks: Schema.Array(DoctorCheck) })
export type DoctorReport = typeof DoctorReport.Type

export const LogEntry = Schema.Struct({
  /** ISO 8601, UTC. */
  time: Schema.String,
  level: Schema.String,
  message: Schema.String,
  fields: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
})
export type LogEntry = typeof LogEntry.Type

/** One setting as it is in force. A secret is never among them. */
export const ConfigEntry = Schema.Struct({
  name: Schema.String,
  value: Schema.String,
  source: Schema.Literals(["flag", "environment", "file", "default"])
})
export type ConfigEntry = typeof ConfigEntry.Type

export class NodeRpcs extends RpcGroup.make(
  Rpc.make("node.status", { success: NodeStatus }),
  Rpc.make("node.doctor", { success: DoctorReport }),
  /** The last `lines` entries, then, with `follow`, every new one until the client goes. */
  Rpc.make("node.logs", {
    payload: { lines: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })), follow: Schema.Boolean },
    success: LogEntry,
    stream: true
  }),
  Rpc.make("node.config", { success: Schema.Array(ConfigEntry) }),
  /** Begins a clean stop; answers before the node is gone. */
  Rpc.make("node.down", { success: Schema.Struct({ pid: Schema.Int }) })
) {}
