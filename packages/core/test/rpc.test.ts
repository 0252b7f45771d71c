import { describe, expect, it } from "@effect/vitest"
import { Exit, Schema } from "effect"
import { ConfigEntry, DoctorReport, LogEntry, NodeRpcs, NodeStatus } from "../src/rpc.ts"

const status: NodeStatus = {
  name: "home",
  publicKey: "y".repeat(52),
  url: "http://127.0.0.1:3000",
  version: "0.1.0",
  runtime: "bun 1.4.5",
  home: "/home/ann/.continuum",
  pid: 4242,
  uptimeSeconds: 1.5,
  memoryBytes: 64_000_000,
  languages: ["js", "wat"],
  peers: 0,
  mesh: { state: "ready", transport: "hyperswarm", listening: "127.0.0.1:3000", problem: null, restarts: 0 },
  actors: 3,
  modules: 1,
  layers: 0,
  personas: 0
}

describe("the node's RPC contract", () => {
  it("has exactly the calls that the node serves", () => {
    expect([...NodeRpcs.requests.keys()].sort()).toEqual([
      "node.config",
      "node.doctor",
      "node.down",
      "node.logs",
      "node.status"
    ])
  })

  it("has status, doctor report, log entry and setting that come back through JSON", () => {
    const values = [
      [NodeStatus, status],
      [DoctorReport, { ok: false, checks: [{ name: "disk", ok: false, detail: "full", fix: "make room" }] }],
      [LogEntry, { time: "2026-01-01T00:00:00.000Z", level: "INFO", message: "up", fields: { port: 3000 } }],
      [ConfigEntry, { name: "port", value: "3000", source: "default" }]
    ] as const
    for (const [schema, value] of values) {
      const codec = Schema.toCodecJson(schema as Schema.Codec<unknown>)
      const json = JSON.parse(JSON.stringify(Schema.encodeUnknownSync(codec)(value)))
      expect(Schema.decodeUnknownSync(codec)(json)).toEqual(value)
    }
  })

  it("refuses a status with a missing or fractional count, and a setting from nowhere", () => {
    const refused = (schema: Schema.Codec<any, any>, value: unknown) =>
      Exit.isFailure(Schema.decodeUnknownExit(schema)(value))
    const { pid: _, ...withoutPid } = status
    expect(refused(NodeStatus, withoutPid)).toBe(true)
    expect(refused(NodeStatus, { ...status, peers: 0.5 })).toBe(true)
    expect(refused(ConfigEntry, { name: "port", value: "3000", source: "rumour" })).toBe(true)
  })

  it("bounds how many lines of log a call may ask for", () => {
    const payload = NodeRpcs.requests.get("node.logs")!.payloadSchema as unknown as Schema.Codec<unknown>
    const accepts = (lines: number) => Exit.isSuccess(Schema.decodeUnknownExit(payload)({ lines, follow: false }))
    expect([-1, 0, 10_000, 10_001, 0.5].map(accepts)).toEqual([false, true, true, false, false])
  })
})
