import { generate } from "@continuum/core/Identity"
import type { Connection } from "@continuum/core/Transport"
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Logger, Queue, References, Stream } from "effect"
import { Buffer } from "node:buffer"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { basename, dirname, join, resolve } from "node:path"
import process from "node:process"
import { afterAll, beforeAll } from "vitest"
import * as HyperswarmTransport from "../src/HyperswarmTransport.ts"
import * as Frame from "../src/sidecar/Frame.cjs"
import * as SidecarTransport from "../src/SidecarTransport.ts"
import * as Testnet from "../src/testing/Testnet.ts"
import * as EchoPeer from "./support/EchoPeer.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

const root = resolve(import.meta.dirname, "../../..")

let testnet: Testnet.Testnet
beforeAll(async () => {
  testnet = await Testnet.start()
})
afterAll(() => testnet.stop())

const until = (what: string, holds: () => boolean, msMax = 30_000) =>
  Effect.gen(function* () {
    while (!holds()) yield* Effect.sleep(20)
  }).pipe(Effect.timeoutOrElse({ duration: msMax, orElse: () => Effect.die(`waited in vain for ${what}`) }))

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // A process whose parent has not yet fetched its exit code is dead, too.
  return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
}

/** A ready transport and the queue of its connections. */
const start = (options: Omit<SidecarTransport.SidecarOptions, "keyPair"> = {}) =>
  Effect.gen(function* () {
    const { node } = yield* generate
    const made = yield* SidecarTransport.make({ bootstrap: testnet.bootstrap, ...options, keyPair: node })
    const connections = yield* Queue.unbounded<Connection>()
    yield* Effect.forkScoped(Stream.runForEach(made.transport.connections, (one) => Queue.offer(connections, one)))
    while ((yield* made.transport.status).state !== "ready") yield* Effect.sleep(10)
    return { ...made, connections, key: node.publicKey, secret: node }
  })

const topicOf = (name: string) => new TextEncoder().encode(name.padEnd(32)).slice(0, 32)

const lossOf = (connection: Connection) =>
  Effect.map(Deferred.make<string>(), (lost) => {
    connection.listen({
      message: () => {},
      drain: () => {},
      closed: (reason) => Deferred.doneUnsafe(lost, Exit.succeed(reason?.message ?? ""))
    })
    return Deferred.await(lost)
  })

for (const sidecar of ["bare", "node"] as const) {
  describe.concurrent(`a sidecar on ${sidecar}`, () => {
    it.live("that is killed is replaced: same key, same port, kept peers and topics are there again", () =>
      Effect.gen(function* () {
        const [a, b] = yield* Effect.all([start({ sidecar }), start({ sidecar })], { concurrency: 2 })
        const topic = topicOf(`killed ${sidecar}`)
        yield* a.transport.join(topic)
        yield* a.transport.keep(b.key)
        const lost = yield* lossOf(yield* Queue.take(a.connections))
        const before = yield* a.transport.status
        const pid = a.pid()
        process.kill(pid, "SIGKILL")
        expect(yield* lost).toContain("the sidecar ended: it was ended by SIGKILL")
        const again = yield* Queue.take(a.connections)
        expect(again.peer).toBe(b.key)
        const after = yield* a.transport.status
        expect(after).toMatchObject({ state: "ready", restarts: 1, listening: before.listening, connections: 1 })
        expect(a.pid()).not.toBe(pid)
        const c = yield* start({ sidecar })
        yield* c.transport.join(topic)
        expect((yield* Queue.take(c.connections)).peer).toBe(a.key)
      }).pipe(quiet)
    )

    it.live("that hangs is noticed, killed and replaced", () =>
      Effect.gen(function* () {
        const [a, b] = yield* Effect.all([start({ sidecar }), start({ sidecar })], { concurrency: 2 })
        yield* a.transport.dial(b.key)
        const lost = yield* lossOf(yield* Queue.take(a.connections))
        const pid = a.pid()
        process.kill(pid, "SIGSTOP")
        expect(yield* lost).toContain("it no longer answers, and was killed")
        yield* until("the hanging process to be gone", () => !isAlive(pid))
        yield* until("another", () => a.pid() !== 0)
        yield* a.transport.dial(b.key)
        expect((yield* Queue.take(a.connections)).peer).toBe(b.key)
      }).pipe(quiet)
    )

    it.live("gets no secret as an argument or a variable, and leaves no socket behind", () =>
      Effect.gen(function* () {
        const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith("continuum-"))
        const a = yield* start({ sidecar })
        const [commandLine, environment] = ["cmdline", "environ"].map((file) =>
          readFileSync(`/proc/${a.pid()}/${file}`, "latin1")
            .split("\0")
            .filter((part) => part !== "")
        )
        expect(commandLine).toHaveLength(3)
        expect(commandLine![1]).toMatch(/sidecar\/entry\.cjs$/)
        const socket = commandLine![2]!
        expect(basename(socket)).toBe("socket")
        const folder = dirname(socket)
        expect([dirname(folder), basename(folder).slice(0, 10)]).toEqual([tmpdir(), "continuum-"])
        expect(existsSync(socket)).toBe(false)
        expect(folders()).not.toContain(basename(folder))
        expect(environment!.filter((part) => !part.startsWith("PATH="))).toEqual([])
      })
    )

    it.live("ends when its node ends, and its port is free", () =>
      Effect.gen(function* () {
        const pid = yield* Effect.scoped(Effect.map(start({ sidecar }), (a) => a.pid()))
        expect(isAlive(pid)).toBe(false)
      })
    )

    it.live(
      "makes its node the root of a DHT when there is no bootstrap: others join by it, dial and find each other",
      () =>
        Effect.gen(function* () {
          const a = yield* start({ sidecar, bootstrap: [] })
          const listening = (yield* a.transport.status).listening!
          const [b, c] = yield* Effect.all([1, 2].map(() => start({ sidecar, bootstrap: [listening] })))
          yield* b!.transport.dial(a.key)
          expect((yield* Queue.take(a.connections)).peer).toBe(b!.key)
          yield* a.transport.dial(c!.key)
          expect((yield* Queue.take(c!.connections)).peer).toBe(a.key)
          const topic = topicOf(`root ${sidecar}`)
          yield* b!.transport.join(topic)
          yield* c!.transport.join(topic)
          yield* Queue.take(b!.connections)
          expect((yield* Queue.take(b!.connections)).peer).toBe(c!.key)
        })
    )

    it.live("dials a peer at its address, though no DHT knows it any more", () =>
      Effect.gen(function* () {
        const forgotten = yield* Testnet.make({ nodes: 1 })
        const [a, b] = yield* Effect.all(
          [start({ sidecar, bootstrap: [] }), start({ sidecar, bootstrap: forgotten.bootstrap })],
          { concurrency: 2 }
        )
        yield* Effect.promise(forgotten.stop)
        expect((yield* Effect.flip(a.transport.dial(b.key))).reason).toContain("nobody in the DHT has this key")
        yield* a.transport.dial(b.key, (yield* b.transport.status).listening!)
        expect((yield* Queue.take(a.connections)).peer).toBe(b.key)
      })
    )
  })
}

describe("a sidecar", () => {
  it.live("that ended is named by the log and by the status, with the reason; one that was stopped is not", () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ logLevel, message }) => void lines.push([logLevel, message]))
    return Effect.gen(function* () {
      const running = Effect.gen(function* () {
        const { pid, transport } = yield* start()
        expect((yield* transport.status).lastRestart).toBeUndefined()
        process.kill(pid(), "SIGKILL")
        while ((yield* transport.status).restarts === 0 || (yield* transport.status).state !== "ready")
          yield* Effect.sleep(10)
        const { lastRestart, problem } = yield* transport.status
        expect(problem).toBeUndefined()
        expect(lastRestart?.reason).toBe("the sidecar ended: it was ended by SIGKILL")
        expect(lastRestart?.timeMs).toBeGreaterThan(1_700_000_000_000)
      })
      yield* Effect.scoped(running)
      expect(lines).toEqual([
        [
          "Warn",
          ["The sidecar ended, its connections are lost; it is started again", { reason: "it was ended by SIGKILL" }]
        ]
      ])
    }).pipe(Effect.provide(Logger.layer([logger])))
  })

  it.live("does not outlive a node that was killed", () =>
    Effect.gen(function* () {
      const peer = yield* Effect.promise(() => EchoPeer.start(root, testnet.bootstrap[0]!))
      expect(isAlive(peer.sidecar)).toBe(true)
      peer.kill()
      yield* until("the sidecar to end", () => !isAlive(peer.sidecar))
    })
  )

  it.live(
    "is believed only with its one-time token: whoever else finds the socket is sent away, and learns nothing",
    () =>
      Effect.gen(function* () {
        const folder = mkdtempSync(join(tmpdir(), "intruder-"))
        const before = process.env.TMPDIR
        process.env.TMPDIR = folder
        const starting = yield* Effect.forkChild(start({ sidecar: "bare" }), { startImmediately: true })
        let path = ""
        yield* until("the socket", () => {
          const [inner] = readdirSync(folder)
          path = join(folder, inner ?? "", "socket")
          return inner !== undefined && existsSync(path)
        })
        if (before === undefined) delete process.env.TMPDIR
        else process.env.TMPDIR = before
        expect(statSync(dirname(path)).mode & 0o777).toBe(0o700)
        const token = Frame.encode("token", 0, Buffer.from("0".repeat(64)))
        const heard = yield* Effect.callback<number>((resume) => {
          let bytes = 0
          const socket = connect(path, () => socket.write(token))
          socket.on("data", (chunk: Uint8Array) => (bytes += chunk.length))
          socket.on("error", () => {})
          socket.on("close", () => resume(Effect.succeed(bytes)))
        })
        expect(heard).toBe(0)
        const { transport } = yield* Fiber.join(starting)
        expect((yield* transport.status).state).toBe("ready")
        rmSync(folder, { recursive: true })
      })
  )

  it.live("that cannot be started is an error that says what to do", () =>
    Effect.gen(function* () {
      const path = process.env.PATH
      process.env.PATH = ""
      const error = yield* Effect.flip(start({ sidecar: "node" })).pipe(
        Effect.ensuring(Effect.sync(() => (process.env.PATH = path)))
      )
      expect(error._tag).toBe("TransportUnavailable")
      expect(error.message).toContain("there is no node in PATH")
      expect(error.message).toContain("put node 20 or newer into PATH")
    })
  )

  it.live("on an address that this machine does not have says so", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(start({ sidecar: "bare", host: "192.0.2.1" }))
      expect(error.message).toMatch(/bare: .*(address not available|EADDRNOTAVAIL)/i)
    })
  )
})

describe("Hyperswarm in this process", () => {
  it.effect("is refused on Bun before anything is loaded", () =>
    Effect.gen(function* () {
      const { node } = yield* generate
      const error = yield* Effect.flip(Effect.scoped(HyperswarmTransport.make({ keyPair: node })))
      expect(error.message).toContain("Hyperswarm cannot run inside Bun or Deno. Use SidecarTransport")
    })
  )
})
