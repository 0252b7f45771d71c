/** `/events` on real ports, of this node and of another one; the mesh is in memory. */
import { actor } from "@continuum/actors/Actor"
import * as JitEvents from "@continuum/runtime-wasm/JitEvents"
import { assert, describe, it } from "@effect/vitest"
import { Effect, References, type Scope } from "effect"
import { connect } from "node:net"
import { WebSocket } from "ws"
import * as MeshedNodes from "./support/MeshedNodes.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

interface Watcher {
  readonly seen: Array<any>
  readonly stop: () => void
}

/** Reads server-sent events as a browser does, until the scope closes. */
const serverSent = (url: string): Effect.Effect<Watcher, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async (): Promise<Watcher> => {
      const controller = new AbortController()
      const response = await fetch(url, { signal: controller.signal })
      assert.deepStrictEqual([response.status, response.headers.get("content-type")], [200, sse])
      const seen: Array<any> = []
      const read = async () => {
        let rest = ""
        for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
          const blocks = (rest + part).split("\n\n")
          rest = blocks.pop()!
          for (const block of blocks) if (block.startsWith("data: ")) seen.push(JSON.parse(block.slice(6)))
        }
      }
      read().catch(() => undefined)
      return { seen, stop: () => controller.abort() }
    }),
    ({ stop }) => Effect.sync(stop)
  )
const sse = "text/event-stream; charset=utf-8"

const socket = (url: string): Effect.Effect<Watcher, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync((): Watcher => {
      const seen: Array<any> = []
      const socket = new WebSocket(url.replace("http:", "ws:"))
      socket.on("message", (data: Buffer) => seen.push(JSON.parse(data.toString())))
      return { seen, stop: () => socket.terminate() }
    }),
    ({ stop }) => Effect.sync(stop)
  )

const until = (what: string, holds: () => boolean) =>
  Effect.gen(function* () {
    for (let waitedMs = 0; !holds(); waitedMs += 5) {
      if (waitedMs > 10_000) assert.fail(`This did not happen: ${what}`)
      yield* Effect.sleep(5)
    }
  })

const refusal = (url: string) =>
  Effect.promise(async () => {
    const response = await fetch(url)
    const { error } = (await response.json()) as { error: { tag: string; message: string } }
    return { status: response.status, ...error }
  })

const Fragile = actor(
  "fragile",
  {
    state: 0,
    add: (state, by: number) => state + by,
    crash: (): number => {
      throw new Error("on purpose")
    }
  },
  { supervision: { backoffMin: "10 millis", jitter: 0 } }
)

const publish =
  (count: number, from = 0) =>
  ({ system }: MeshedNodes.Node) =>
    Effect.forEach(Array.from({ length: count }), (_, index) => {
      const event: JitEvents.JitEvent = {
        _tag: "Compiled",
        contentId: String(from + index),
        lang: "js",
        compiledBy: "x".repeat(200)
      }
      return system.publish(JitEvents.topic, event)
    })

describe("events of a node", () => {
  it.live("reach server-sent events and WebSockets, of this node and of another one, in order and by topic", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* MeshedNodes.start
      const watchers = [
        yield* serverSent(`${bee.url}/events?topics=actors`),
        yield* socket(`${bee.url}/events?topics=actors`),
        yield* serverSent(`${ant.url}/events?topics=actors&mesh=bee`),
        yield* socket(`${ant.url}/events?topics=actors&mesh=${bee.key}`)
      ]
      const other = yield* socket(`${ant.url}/events?topics=jit,peers`)
      for (const { seen } of [...watchers, other]) yield* until("it is subscribed", () => seen.length > 0)
      const fragile = bee.system.ref(Fragile, "f")
      yield* fragile.add(1)
      yield* Effect.flip(fragile.crash())
      const address = "continuum://local/fragile/f"
      // The node's own actor, which serves the watchers, starts too.
      const eventsOf = ({ seen }: Watcher) => seen.filter(({ event }) => event?.address === address)
      yield* until("it is back", () => watchers.every((watcher) => eventsOf(watcher).length === 4))
      yield* bee.system.stop(fragile.address)
      yield* publish(1)(ant)
      for (const watcher of watchers) {
        yield* until("it is stopped", () => eventsOf(watcher).length === 5)
        for (const { node, nodeKey } of watcher.seen) assert.deepStrictEqual([node, nodeKey], ["bee", bee.key])
        assert.deepInclude(watcher.seen[0], { _tag: "Subscribed", topics: ["actors"] })
        const events = eventsOf(watcher)
        assert.isTrue(events.every(({ topic, timeMs }) => topic === "actors" && timeMs > 1e12))
        assert.deepStrictEqual(
          events.map(({ event }) => event),
          [
            { _tag: "Started", address },
            { _tag: "Failed", address, messageName: "crash", cause: "Error: on purpose" },
            { _tag: "Restarted", address, delayMs: 10 },
            { _tag: "Started", address },
            { _tag: "Stopped", address, reason: "it was stopped by hand", normal: false }
          ]
        )
      }
      yield* until("the other topic", () => other.seen.length === 2)
      assert.deepInclude(other.seen[1], { node: "ant", topic: "jit" })
    }).pipe(Effect.scoped, quiet)
  )

  it.live("end where they are made when the client goes", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* MeshedNodes.start
      const watchers = [
        yield* serverSent(`${ant.url}/events?topics=jit&mesh=bee`),
        yield* socket(`${ant.url}/events?topics=jit&mesh=bee`)
      ]
      for (const { seen } of watchers) yield* until("it is subscribed", () => seen.length === 1)
      const heard = () => bee.system.isHeard(JitEvents.topic)
      assert.isTrue(heard())
      for (const { stop } of watchers) stop()
      yield* until("nobody listens over there", () => !heard())
    }).pipe(Effect.scoped, quiet)
  )

  it.live("are not watched by a client whose handshake is none", () =>
    Effect.gen(function* () {
      const { ant } = yield* MeshedNodes.start
      let open = true
      const connection = connect(Number(new URL(ant.url).port), "127.0.0.1", () => {
        connection.write("GET /events?topics=jit HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        connection.write("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 99\r\n\r\n")
        connection.resume()
      })
      connection.on("close", () => (open = false))
      yield* until("the connection is closed", () => !open)
      yield* until("nobody listens", () => !ant.system.isHeard(JitEvents.topic))
    }).pipe(Effect.scoped, quiet)
  )

  it.live("are refused with a status: unknown topics and nodes, and those of a node that does not grant it", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* MeshedNodes.start
      const unknown = yield* refusal(`${ant.url}/events?topics=jit,actor`)
      assert.deepInclude(unknown, { status: 400, tag: "TopicUnknown" })
      assert.include(unknown.message, 'Did you mean "actors"?')
      assert.deepInclude(yield* refusal(`${ant.url}/events?mesh=cow`), { status: 502, tag: "PeerUnreachable" })
      yield* bee.mesh.grant(ant.key, ["actors.ask"])
      const refused = yield* refusal(`${ant.url}/events?mesh=bee`)
      assert.deepInclude(refused, { status: 403, tag: "NotGranted" })
      assert.include(refused.message, '"events.read"')
    }).pipe(Effect.scoped, quiet)
  )

  it.live("go on after the other node was away, and say so; when the grant is gone they end with the reason", () =>
    Effect.gen(function* () {
      const { ant, bee, hub } = yield* MeshedNodes.start
      const { seen } = yield* socket(`${ant.url}/events?topics=jit&mesh=bee`)
      yield* until("it is subscribed", () => seen.length === 1)
      hub.ends.at(-1)![0].breakDown("the cable")
      yield* until("it is subscribed again", () => seen.length === 3)
      assert.deepInclude(seen[1], { _tag: "Interrupted", node: "bee" })
      assert.include(seen[1].reason, "the cable")
      assert.strictEqual(seen[2]._tag, "Subscribed")
      yield* publish(1)(bee)
      yield* until("it hears on", () => seen.length === 4)
      yield* bee.mesh.grant(ant.key, ["actors.ask"])
      hub.ends.at(-1)![0].breakDown("the cable")
      yield* until("it ends", () => seen.length === 6)
      assert.strictEqual(seen[5].error.tag, "NotGranted")
    }).pipe(Effect.scoped, quiet)
  )

  it.live("that come too fast for a client that does not read are lost, oldest first, and it is told how many", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* MeshedNodes.start
      for (const [query, textsOf] of [
        ["topics=jit", messagesOf],
        ["topics=jit&mesh=bee", messagesOf],
        ["topics=jit", serverSentOf]
      ] as const) {
        const node = query.includes("bee") ? bee : ant
        const stalled = yield* stalledClient(ant.url, `/events?${query}`, textsOf === messagesOf)
        yield* until("it is subscribed", () => node.system.isHeard(JitEvents.topic))
        const total = 40_000
        for (let from = 0; from < total; from += 500) {
          yield* publish(500, from)(node)
          yield* Effect.sleep(1)
        }
        const read = stalled.read()
        yield* until("the newest arrives", () => read().includes(`"contentId":"${total - 1}"`))
        const texts = textsOf(read())
        const missed = texts.flatMap(({ _tag, count }) => (_tag === "Missed" ? [count as number] : []))
        const got = texts.flatMap(({ event }) => (event === undefined ? [] : [Number(event.contentId)]))
        assert.isNotEmpty(missed)
        assert.strictEqual(got.length + missed.reduce((sum, count) => sum + count, 0), total)
        assert.deepStrictEqual(
          got,
          got.toSorted((a, b) => a - b)
        )
        stalled.close()
        yield* until("it is over", () => !node.system.isHeard(JitEvents.topic))
      }
    }).pipe(Effect.scoped, quiet)
  )
})

/** A client on a bare connection that is not read before `read`, which gives what has arrived. */
const stalledClient = (url: string, path: string, upgrade: boolean) =>
  Effect.promise(
    () =>
      new Promise<{ readonly read: () => () => Buffer; readonly close: () => void }>((resolve) => {
        const connection = connect(Number(new URL(url).port), "127.0.0.1", () => {
          connection.pause()
          const socket = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
          const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
          connection.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${upgrade ? socket + key : ""}\r\n`)
          resolve({
            close: () => connection.destroy(),
            read: () => {
              const parts: Array<Buffer> = []
              connection.on("data", (part: Buffer) => parts.push(part))
              connection.resume()
              return () => {
                const all = Buffer.concat(parts)
                parts.splice(0, parts.length, all)
                return all
              }
            }
          })
        })
      })
  )

/** The messages of a WebSocket. Frames of a server are not masked (RFC 6455, 5.2). */
const messagesOf = (bytes: Buffer): ReadonlyArray<any> => {
  const texts: Array<any> = []
  for (let at = bytes.indexOf("\r\n\r\n") + 4; at + 4 <= bytes.length;) {
    const short = bytes[at + 1]! & 127
    const [start, length] = short === 126 ? [at + 4, bytes.readUInt16BE(at + 2)] : [at + 2, short]
    if ((bytes[at]! & 15) === 1) texts.push(JSON.parse(bytes.subarray(start, start + length).toString()))
    at = start + length
  }
  return texts
}

/** Server-sent events, out of the chunks of HTTP (RFC 9112, 7.1). */
const serverSentOf = (bytes: Buffer): ReadonlyArray<any> =>
  bytes
    .subarray(bytes.indexOf("\r\n\r\n"))
    .toString()
    .replaceAll(/\r\n(?:\r\n)?[0-9a-f]+\r\n/g, "")
    .split("\n\n")
    .filter((block) => block.startsWith("data: "))
    .map((block) => JSON.parse(block.slice(6)))
