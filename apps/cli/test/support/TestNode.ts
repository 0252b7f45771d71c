/**
 * A small node for the CLI's tests: the real contract on a real port, with handlers that really do what they answer,
 * as far as a few lines can. It is fast and can be made to fail in every way that the contract declares.
 */
import * as ActorError from "@continuum/actors/ActorError"
import { StorageFailed } from "@continuum/actors/ActorStorage"
import { HandlerFailed, ServiceKept, type WatchedEvent } from "@continuum/actors/rpc"
import * as Address from "@continuum/core/Address"
import * as ContentId from "@continuum/core/ContentId"
import * as ContentStore from "@continuum/core/ContentStore"
import { NotGranted } from "@continuum/core/Delivery"
import type { DoctorReport, LogEntry, NodeStatus } from "@continuum/core/rpc"
import { PeerUnreachable, TransportLost } from "@continuum/core/Transport"
import { PublicKey } from "@continuum/core/Identity"
import { Action, type Peer } from "@continuum/core/PeerDirectory"
import { version } from "@continuum/core/Version"
import * as BackendError from "@continuum/genome/backend/BackendError"
import { GrantNotStored } from "@continuum/mesh/GrantStore"
import { MeshOff, PeerMalformed } from "@continuum/mesh/rpc"
import * as PersonaError from "@continuum/persona/PersonaError"
import type { AiChunk, AiRequest, PersonaSummary } from "@continuum/persona/rpc"
import * as JitError from "@continuum/runtime-wasm/JitError"
import type { ModuleSummary, RunResult } from "@continuum/runtime-wasm/rpc"
import { layer as layerHttpServer } from "@effect/platform-node/NodeHttpServer"
import { Effect, Exit, Layer, Schema, Scope, Stream } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { type CallError, nodeCalls } from "../../src/NodeCalls.ts"

export const apiKey = "test-key_123"
const publicKey = "ybndrfg8ejkmcpqxot1uwisza345h769ybndrfg8ejkmcpqxot1y"
const contentId = ContentId.of("a module that is not here")

/**
 * One of each error that a call may answer with. `actors.ask` with the message `fail`, and `jit.run` in the language
 * `fail`, answer with the one that is named, where their contract declares it.
 */
export const errors: { readonly [Tag in CallError["_tag"]]: Extract<CallError, { readonly _tag: Tag }> } = {
  AddressMalformed: new Address.AddressMalformed({ input: "x", reason: "it does not begin with continuum://" }),
  AddressUnknown: new ActorError.AddressUnknown({ address: "continuum://local/conter/a", nearest: ["counter"] }),
  MessageUnknown: new ActorError.MessageUnknown({
    address: "continuum://local/counter/a",
    messageName: "ad",
    known: ["add"]
  }),
  PayloadMalformed: new ActorError.PayloadMalformed({
    address: "continuum://local/counter/a",
    messageName: "add",
    reason: "a number is needed"
  }),
  MailboxFull: new ActorError.MailboxFull({ address: "continuum://local/counter/a", capacity: 1000 }),
  StreamsFull: new ActorError.StreamsFull({ address: "continuum://local/counter/a", streamsMax: 9 }),
  ActorFailed: new ActorError.ActorFailed({
    address: "continuum://local/counter/a",
    messageName: "add",
    cause: "RangeError"
  }),
  ActorStopped: new ActorError.ActorStopped({ address: "continuum://local/counter/a", reason: "4 restarts in 5 s" }),
  AskTimeout: new ActorError.AskTimeout({
    address: "continuum://local/counter/a",
    messageName: "add",
    timeoutMs: 5000
  }),
  AskCycle: new ActorError.AskCycle({ chain: ["continuum://local/a/a", "continuum://local/b/b"] }),
  TooOld: new ActorError.TooOld({
    address: "continuum://local/counter/a",
    stream: "web-7",
    sequence: 3,
    reason: "1000 newer ones of its stream came since"
  }),
  OutboxFull: new ActorError.OutboxFull({ address: "continuum://bee/counter/a", capacity: 10_000 }),
  LeaseUnavailable: new ActorError.LeaseUnavailable({
    address: "continuum://local/counter/a",
    node: "bee",
    reason: "it did not answer",
    maybeHandled: false
  }),
  ServiceKept: new ServiceKept({ address: "continuum://local/service/http" }),
  StorageFailed: new StorageFailed({ reason: "the disk is full" }),
  MigrationRefused: new ActorError.MigrationRefused({
    address: "continuum://local/counter/a",
    to: "bee",
    reason: "it is not durable"
  }),
  StateNotStored: new ActorError.StateNotStored({ address: "continuum://local/counter/a", reason: "the disk is full" }),
  HandlerFailed: new HandlerFailed({
    address: "continuum://local/counter/a",
    messageName: "add",
    error: { tooMuch: true }
  }),
  PeerUnreachable: new PeerUnreachable({ peer: "bee", reason: "it does not answer" }),
  TransportLost: new TransportLost({ peer: publicKey, reason: "it is silent" }),
  NotExposed: new ActorError.NotExposed({ address: "continuum://bee/counter/a" }),
  NotGranted: new NotGranted({ peer: "bee", action: "actors.ask" }),
  SourceMalformed: new JitError.SourceMalformed({ lang: "js", line: 1, column: 5, reason: "unexpected )" }),
  SourceRefused: new JitError.SourceRefused({ name: "fetch", line: 1, column: 12 }),
  ModuleMalformed: new JitError.ModuleMalformed({ reason: "it has no magic number" }),
  ModuleRefused: new JitError.ModuleRefused({ reason: "it imports env.exit" }),
  LanguageUnavailable: new JitError.LanguageUnavailable({ lang: "cobol", available: ["js", "wat"] }),
  CompileFailed: new JitError.CompileFailed({ lang: "js", reason: "its deadline passed" }),
  InputMalformed: new JitError.InputMalformed({ reason: "a number is needed" }),
  FuelExhausted: new JitError.FuelExhausted({ fuelMax: 1_000_000 }),
  RunTimeout: new JitError.RunTimeout({ timeoutMs: 1000 }),
  MemoryExceeded: new JitError.MemoryExceeded({ memoryBytesMax: 1024 }),
  RunFailed: new JitError.RunFailed({ reason: "unreachable executed" }),
  NodeBusy: new JitError.NodeBusy({ waiting: 64 }),
  ContentIdMalformed: new ContentId.ContentIdMalformed({ input: "x" }),
  ContentUnknown: new ContentStore.ContentUnknown({ contentId }),
  ContentCorrupt: new ContentStore.ContentCorrupt({ contentId }),
  ContentNotStored: new ContentStore.ContentNotStored({ reason: "the disk is full" }),
  MeshOff: new MeshOff({ reason: "it was started with --offline" }),
  GrantNotStored: new GrantNotStored({ reason: "the disk is full" }),
  PeerMalformed: new PeerMalformed({ input: "bee hive" }),
  PersonaUnknown: new PersonaError.PersonaUnknown({ name: "Techer AI", nearest: ["Teacher AI"] }),
  LayerNameUnknown: new PersonaError.LayerNameUnknown({ name: "sortin", nearest: ["sorting"] }),
  PromptEmpty: new PersonaError.PromptEmpty(),
  PromptTooLarge: new PersonaError.PromptTooLarge({ bytes: 5000, bytesMax: 4096 }),
  ConversationElsewhere: new PersonaError.ConversationElsewhere({ conversation: "a" }),
  ConversationBusy: new PersonaError.ConversationBusy({ conversation: "a" }),
  AnswerTooLong: new PersonaError.AnswerTooLong({ persona: "Helper AI", turnMsMax: 300_000 }),
  PersonaBusy: new PersonaError.PersonaBusy({ name: "Helper AI", openTurnsMax: 64 }),
  TurnLost: new PersonaError.TurnLost({ conversation: "a" }),
  PromptTooLong: new BackendError.PromptTooLong({ promptTokens: 300, contextTokens: 256 }),
  RequestMalformed: new BackendError.RequestMalformed({ reason: "its top-p is 2" }),
  LayerUnknown: new BackendError.LayerUnknown({ contentId }),
  LayerForOtherBase: new BackendError.LayerForOtherBase({ contentId, base: "other", expected: "tiny" }),
  LayerUnfit: new BackendError.LayerUnfit({ contentId, target: "model.norm", reason: "is too wide" }),
  WeightsDamaged: new BackendError.WeightsDamaged({ file: "model.safetensors", reason: "is cut off" }),
  BackendBusy: new BackendError.BackendBusy({ queueCapacity: 64 }),
  BackendFailed: new BackendError.BackendFailed({ reason: "its process was killed" })
}

/** A running test node. */
export interface TestNode {
  readonly url: string
  /** A data folder with the node's `node.json` and `api-key`. */
  readonly home: string
  /** The keys that the calls so far came with. */
  readonly keysSeen: Array<string | undefined>
  /** Values of actors by address. */
  readonly counters: Map<string, number>
  /** Stored modules. */
  readonly modules: Map<ContentId.ContentId, Uint8Array>
  /** By public key. */
  readonly peers: Map<string, Peer>
  /** How long it takes from its last answer until its `node.json` is gone. */
  stopMs: number
  /** What `doctor` finds. */
  doctor: typeof DoctorReport.Type
}

/** Starts a node whose data folder is `home`, which is made. It ends with the scope, or by `node.down`. */
export const start = Effect.fnUntraced(function* (home: string) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const nodeFile = join(home, "node.json")
  const node = {
    url: "",
    home,
    keysSeen: [],
    counters: new Map(),
    modules: new Map(),
    peers: new Map(),
    stopMs: 0,
    doctor: { ok: true, checks: [{ name: "home", ok: true, detail: "writable" }] }
  } as TestNode & { url: string }
  const stop = Effect.sleep("50 millis").pipe(
    Effect.andThen(Scope.close(scope, Exit.void)),
    Effect.andThen(Effect.suspend(() => Effect.sleep(node.stopMs))),
    Effect.andThen(Effect.sync(() => rmSync(nodeFile, { force: true })))
  )
  const server = yield* Layer.buildWithScope(
    HttpRouter.serve(routes(node, Effect.asVoid(Effect.forkDetach(stop))), {
      disableLogger: true,
      disableListenLog: true
    }).pipe(
      Layer.provideMerge(layerHttpServer(createServer, { port: 0, host: "127.0.0.1", gracefulShutdownTimeout: 100 }))
    ),
    scope
  )
  const { address } = yield* Effect.provide(HttpServer.HttpServer, server)
  node.url = `http://127.0.0.1:${address._tag === "UnixPathAddress" ? 0 : address.port}`
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, "api-key"), `${apiKey}\n`, { mode: 0o600 })
  writeFileSync(nodeFile, JSON.stringify({ pid: process.pid, url: node.url, publicKey, name: "tester" }))
  return node as TestNode
})

const routes = (node: TestNode, stop: Effect.Effect<void>) =>
  RpcServer.layerHttp({ group: nodeCalls, path: "/rpc", protocol: "http", disableFatalDefects: true }).pipe(
    Layer.provide(handlers(node, stop)),
    Layer.provide(RpcSerialization.layerNdjson),
    Layer.provide(guard(node))
  )

const guard = (node: TestNode) =>
  HttpRouter.middleware(
    Effect.succeed((route) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
        const key = headers.authorization?.replace("Bearer ", "")
        node.keysSeen.push(key)
        const message = key === undefined ? "No API key was sent" : "The API key is wrong"
        return key === apiKey
          ? route
          : Effect.succeed(HttpServerResponse.jsonUnsafe({ error: { tag: "KeyRefused", message } }, { status: 401 }))
      })
    ),
    { global: true }
  )

const handlers = (node: TestNode, stop: Effect.Effect<void>) =>
  nodeCalls.toLayer({
    "node.status": () => Effect.sync(() => status(node)),
    "node.doctor": () => Effect.succeed(node.doctor),
    "node.config": () =>
      Effect.succeed([
        { name: "home", value: node.home, source: "flag" as const },
        { name: "port", value: "0", source: "default" as const }
      ]),
    "node.down": () => Effect.as(stop, { pid: process.pid }),
    "node.logs": ({ follow, lines }) => {
      const last = Stream.fromIterable(Array.from({ length: lines }, (_, i) => entry(i - lines)))
      const next = Stream.range(0, Infinity).pipe(
        Stream.map(entry),
        Stream.tap(() => Effect.sleep("20 millis"))
      )
      return follow ? Stream.concat(last, next) : last
    },
    "actors.list": ({ kind }) =>
      Effect.succeed(
        [...node.counters.keys()]
          .map((address) => summary(address))
          .filter((a) => kind === undefined || a.kind === kind)
      ),
    "actors.inspect": ({ address }) =>
      node.counters.has(address)
        ? Effect.succeed({
            ...summary(address),
            durable: true,
            exposed: "mesh" as const,
            messages: ["add", "get", "fail"],
            stateValue: node.counters.get(address),
            waiting: [],
            reminders: [
              { key: "daily", messageName: "get", due: "2026-01-03T03:04:05.000Z", everyMs: 86_400_000 },
              { key: "once", messageName: "add", due: "2026-01-04T03:04:05.000Z" }
            ],
            timeline: [
              { time: "2026-01-02T03:04:05.000Z", what: "started" as const },
              { time: "2026-01-02T03:04:06.000Z", what: "refused" as const, messageName: "add", detail: "it is full" }
            ],
            failures: [{ time: "2026-01-02T03:04:05.000Z", messageName: "add", cause: "RangeError: too much" }],
            startedAt: "2026-01-02T03:04:05.000Z"
          })
        : Effect.fail(errors.AddressUnknown),
    "actors.ask": ({ address, messageName, payload }) => {
      if (messageName === "fail") return Effect.fail(errors[payload as "AddressUnknown"])
      if (messageName === "break") return Effect.die(new Error("a broken invariant"))
      if (messageName === "echo") return Effect.succeed(payload)
      if (messageName !== "add") return Effect.fail(errors.MessageUnknown)
      if (typeof payload !== "number") return Effect.fail(errors.PayloadMalformed)
      const value = (node.counters.get(address) ?? 0) + payload
      node.counters.set(address, value)
      return Effect.succeed(value)
    },
    "actors.restart": ({ address }) =>
      node.counters.has(address) ? Effect.succeed(summary(address)) : Effect.fail(errors.AddressUnknown),
    "actors.stop": ({ address }) =>
      address.includes("/service/")
        ? Effect.fail(errors.ServiceKept)
        : Effect.succeed({ ...summary(address), state: "stopped" as const }),
    "actors.forget": ({ address }) =>
      node.counters.delete(address) ? Effect.succeed({ address }) : Effect.fail(errors.AddressUnknown),
    "actors.watch": ({ address }) =>
      Stream.fromIterable<WatchedEvent>(
        (
          [
            { _tag: "Started", address },
            { _tag: "Restarted", address, delayMs: 10 }
          ] as const
        ).map((event): WatchedEvent => ({ _tag: "Happened", time: "2026-01-02T03:04:05.000Z", event }))
      ),
    "actors.migrate": ({ address, to }) =>
      !node.counters.has(address)
        ? Effect.fail(errors.AddressUnknown)
        : to === "nowhere"
          ? Effect.fail(errors.MigrationRefused)
          : Effect.succeed({ ...summary(address), node: to }),
    "actors.backup": ({ folder = "/home/backups" }) =>
      folder.startsWith("/")
        ? Effect.succeed({ path: `${folder}/actors-2026.mdb`, bytes: 65_536 })
        : Effect.fail(errors.StorageFailed),
    "actors.compact": () => Effect.succeed({ bytesBefore: 3_000_000, bytesAfter: 65_536 }),
    "actors.deadletters": () => Effect.succeed([]),
    "scheduler.queue": () =>
      Effect.succeed({
        turns: [
          {
            turnId: "answer/1",
            personaId: "00000000-0000-8000-8000-000000000000",
            name: "Helper AI",
            phase: "waits" as const,
            effectivePriority: 129.5,
            ms: 1_500,
            tokens: 0
          }
        ],
        slots: 1,
        ready: [{ address: "continuum://local/counter/a", priority: 128, waitBound: 48 }],
        readyCount: 1,
        actorTurns: 1_234,
        preemptions: 5
      }),
    "scheduler.trace": ({ recordMs }) =>
      Effect.succeed({
        entries: [],
        actorTurns:
          recordMs === undefined
            ? []
            : [
                {
                  address: "continuum://local/counter/a",
                  priority: 128,
                  fromMs: 1,
                  toMs: 2,
                  work: 1,
                  end: "done" as const
                }
              ],
        forgotten: 0,
        svg: "<svg></svg>"
      }),
    "jit.compile": ({ lang, source }) =>
      Effect.sync(() => {
        const bytes = bytesOf(source)
        const contentId = ContentId.of(bytes)
        node.modules.set(contentId, bytes)
        return { contentId, bytes: bytes.length, lang, compiledBy: "tester", ms: 12.5, report }
      }),
    "jit.run": ({ input, target }) => {
      if ("contentId" in target) {
        const contentId = target.contentId as ContentId.ContentId
        return node.modules.has(contentId)
          ? Effect.succeed(ran(contentId, [input], "hit"))
          : Effect.fail(new ContentStore.ContentUnknown({ contentId }))
      }
      if (target.lang === "fail") return Effect.fail(errors[target.source as "SourceRefused"])
      const bytes = bytesOf(target.source)
      const contentId = ContentId.of(bytes)
      const cache = node.modules.has(contentId) ? "hit" : "compiled"
      node.modules.set(contentId, bytes)
      return Effect.succeed(ran(contentId, [input], cache))
    },
    "peers.list": () => Effect.sync(() => [...node.peers.values()]),
    "peers.add": ({ grant, peer }) => {
      if (peer.startsWith("fail/")) return Effect.fail(errors[peer.slice("fail/".length) as "MeshOff"])
      if (!Schema.is(PublicKey)(peer)) return Effect.fail(errors.PeerMalformed)
      const added = grant === undefined ? peerOf(peer) : { ...peerOf(peer), grants: grant }
      node.peers.set(peer, added)
      return Effect.succeed(added)
    },
    "peers.remove": ({ peer }) => {
      const known = node.peers.get(peer)
      if (known === undefined) return Effect.fail(errors.PeerUnreachable)
      node.peers.delete(peer)
      return Effect.succeed({ ...known, grants: [] })
    },
    "ai.generate": (request) =>
      request.persona === "fail"
        ? Stream.concat(
            request.conversation === undefined
              ? Stream.empty
              : Stream.succeed({ _tag: "Text", text: "so far" } as const),
            Stream.fail(errors[request.prompt as "PersonaUnknown"])
          )
        : Stream.fromIterable(answer(request)),
    "personas.list": () => Effect.succeed([persona]),
    "layers.list": () =>
      Effect.succeed([
        {
          contentId,
          name: "sorting",
          version: "1.0.0",
          kind: "domain",
          base: "tiny",
          rank: 8,
          state: "warm",
          uses: 4,
          successRate: 0.75
        }
      ]),
    "modules.list": () =>
      Effect.succeed(
        [...node.modules].map(([contentId, bytes]): ModuleSummary => ({
          contentId,
          address: `continuum://local/module/${contentId}`,
          name: "pair",
          version: "1.0.0",
          variant: "plain",
          lang: "js",
          bytes: bytes.length,
          uses: 1234,
          fuelMean: 56_789.4,
          failures: 0,
          utility: 1.5,
          seeds: 1,
          state: "seeded"
        }))
      ),
    "modules.export": ({ contentId }) => {
      const bytes = node.modules.get(contentId as ContentId.ContentId)
      return bytes === undefined
        ? Effect.fail(new ContentStore.ContentUnknown({ contentId: contentId as ContentId.ContentId }))
        : Effect.succeed(bytes)
    }
  })

const bytesOf = (source: string | Uint8Array) =>
  typeof source === "string" ? new TextEncoder().encode(source) : source

const report = { tier: "wasm" as const, abi: "scalar1" as const, signature: "(f64) => f64", tested: 100 }

const ran = (contentId: ContentId.ContentId, output: unknown, cache: RunResult["cache"]): RunResult => ({
  output,
  contentId,
  node: "tester",
  nodeKey: publicKey,
  fuel: 12_345,
  ms: 1.25,
  cache,
  report
})

const peerOf = (publicKey: PublicKey): Peer => ({
  publicKey,
  name: "bee",
  address: "127.0.0.1:3001",
  rttMs: 0.42,
  connected: true,
  capabilities: ["js", "wat"],
  scope: "mesh",
  grants: [...Action.literals]
})

/** Says back what it was asked, in two pieces. */
const answer = (request: AiRequest): ReadonlyArray<AiChunk> => {
  const { persona = "Helper AI", ...rest } = request
  return [
    { _tag: "Text", text: "I heard " },
    { _tag: "Text", text: JSON.stringify(rest) },
    {
      _tag: "Done",
      persona,
      node: "tester",
      nodeKey: "y".repeat(52),
      reason: "stop",
      trace: {
        worker: "model",
        bids: [{ worker: "model", confidence: 0.9, reason: "sorting" }],
        layers: [{ name: "sorting", contentId }],
        sources: [],
        promptTokens: 12,
        tokens: 3456,
        ttftMs: 1.5,
        ms: 20,
        cost: 0
      }
    }
  ]
}

const persona: PersonaSummary = {
  name: "Teacher AI",
  id: "teacher-ai",
  address: "continuum://local/persona/Teacher%20AI",
  role: "Explains",
  base: "tiny",
  layers: ["sorting", "dates"],
  priority: 128,
  state: "idle",
  conversations: 2,
  answered: 7
}

const summary = (address: string) => ({
  address,
  kind: address.split("/")[3] ?? "",
  state: "idle" as const,
  mailbox: 0,
  processed: 3,
  restarts: 0,
  priority: 128,
  node: "tester"
})

const entry = (i: number): LogEntry => ({
  time: "2026-01-02T03:04:05.000Z",
  level: i % 2 === 0 ? "INFO" : "WARN",
  message: `entry ${i}`,
  fields: { i }
})

const status = (node: TestNode): NodeStatus => ({
  name: "tester",
  publicKey,
  url: node.url,
  version,
  runtime: "test 1.0.0",
  home: node.home,
  pid: process.pid,
  uptimeSeconds: 3723,
  memoryBytes: 88_340_000,
  languages: ["js", "wat", "wasm"],
  peers: node.peers.size,
  mesh: { state: "ready", transport: "sidecar (bare)", listening: "127.0.0.1:3000", problem: null, restarts: 0 },
  actors: node.counters.size,
  modules: node.modules.size,
  layers: 0,
  personas: 0
})
