/** Two nodes and the mesh between them: real processes, real Hyperswarm, a private DHT on loopback. */
import type { Peer } from "@continuum/core/PeerDirectory"
import type { DoctorReport } from "@continuum/core/rpc"
import type { RunResult } from "@continuum/runtime-wasm/rpc"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { cpSync, mkdirSync, readFileSync, readdirSync, readlinkSync, statSync } from "node:fs"
import { join } from "node:path"
import { type NodeProcess, start, temporaryFolder } from "./NodeProcess.ts"
import { connectedTo, done, failed, peers, status, twoNodes } from "./TwoNodes.ts"

const add = (node: NodeProcess, address: string) =>
  done<number>(node, "actors.ask", { address, messageName: "add", payload: 1 })
const get = (node: NodeProcess, address: string) =>
  done<number>(node, "actors.ask", { address, messageName: "get", payload: null })
const runJs = (node: NodeProcess, source: string, input: unknown, more: object = {}) =>
  done<RunResult>(node, "jit.run", { target: { lang: "js", source }, input, ...more })

/** Process id of a node's sidecar; 0 when it has none. */
const sidecarOf = (pid: number): number => {
  for (const name of readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
    try {
      const parent = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1])
      if (parent === pid && readFileSync(`/proc/${name}/cmdline`, "utf8").includes("sidecar/entry")) return Number(name)
    } catch {
      // It has just ended.
    }
  }
  return 0
}

/** How many UDP sockets a process has open. */
const udpSocketsOf = (pid: number): number => {
  const table = ["udp", "udp6"].map((name) => readFileSync(`/proc/net/${name}`, "utf8")).join("\n")
  const inodes = new Set([...table.matchAll(/^\s*\d+:(?:\s+\S+){8}\s+(\d+)/gm)].map(([, inode]) => inode))
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return inodes.has(/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1])
    } catch {
      return false
    }
  }).length
}

/** The values of a call that streams, as they come, until the scope ends. */
const streamed = (node: NodeProcess, tag: string, payload: object) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const values: Array<any> = []
      const controller = new AbortController()
      const response = await fetch(`${node.url}/rpc`, {
        method: "POST",
        headers: { "content-type": "application/ndjson", authorization: `Bearer ${node.key}` },
        body: `${JSON.stringify({ _tag: "Request", id: "1", tag, payload, headers: [] })}\n`,
        signal: controller.signal
      })
      const read = async () => {
        let rest = ""
        for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
          const lines = (rest + part).split("\n")
          rest = lines.pop()!
          for (const line of lines) values.push(...((JSON.parse(line) as { values?: Array<any> }).values ?? []))
        }
      }
      read().catch(() => undefined)
      return { values, stop: () => controller.abort() }
    }),
    ({ stop }) => Effect.sync(stop)
  )

const counter = "continuum://bee/counter/shared"

describe("two nodes with one bootstrap", () => {
  it.live("find each other; a stranger may do nothing, is told how, and changes nothing", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* twoNodes(false)
      const [seen] = yield* peers(ant)
      const { publicKey } = yield* status(bee)
      assert.strictEqual(seen!.publicKey, publicKey)
      assert.deepInclude(seen, { name: "bee", connected: true, grants: [], scope: "mesh" })
      assert.isNumber(seen!.rttMs)
      assert.include(seen!.capabilities, "js")

      for (const [tag, payload] of [
        ["actors.ask", { address: counter, messageName: "add", payload: 1 }],
        ["actors.list", { mesh: "bee" }],
        ["jit.run", { target: { lang: "js", source: "(n) => n + 7" }, input: 1, mesh: "bee" }]
      ] as const) {
        const error = yield* failed(ant, tag, payload)
        assert.strictEqual(error._tag, "NotGranted", tag)
      }
      assert.deepStrictEqual(yield* done(bee, "actors.list", { kind: "counter" }), [])
      assert.match(bee.output(), /a peer without a grant are refused/)
    }).pipe(Effect.scoped)
  )

  it.live("granted, one asks, inspects and restarts the other's actors by the same calls", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* twoNodes(true)
      for (let i = 1; i <= 3; i++) assert.strictEqual(yield* add(ant, counter), i)
      assert.strictEqual(yield* get(bee, "continuum://local/counter/shared"), 3)
      const error = yield* failed(ant, "actors.ask", { address: counter, messageName: "add", payload: "one" })
      assert.strictEqual(error._tag, "PayloadMalformed")

      const listed = yield* done<ReadonlyArray<{ address: string; node: string }>>(ant, "actors.list", {
        mesh: "bee",
        kind: "counter"
      })
      assert.deepStrictEqual(
        listed.map(({ node }) => node),
        ["bee"]
      )
      const { address } = listed[0]!
      const detail = yield* done<{ address: string; stateValue: number }>(ant, "actors.inspect", { address })
      assert.deepInclude(detail, { address, stateValue: 3 })
      const restarted = yield* done<{ restarts: number }>(ant, "actors.restart", { address })
      assert.strictEqual(restarted.restarts, 1)
      assert.strictEqual(yield* get(ant, address), 3)
      const unknown = yield* failed(ant, "actors.inspect", { address: `${address}x` })
      assert.strictEqual(unknown._tag, "AddressUnknown")
      const mistyped = yield* failed(ant, "peers.add", { peer: "bea" })
      assert.include(String(mistyped.reason), "did you mean bee?")
      const none = yield* failed(ant, "actors.ask", {
        address: "continuum://cow/counter/x",
        messageName: "add",
        payload: 1
      })
      assert.strictEqual(none._tag, "PeerUnreachable")
    }).pipe(Effect.scoped)
  )

  it.live("neither reads, changes nor inspects what a persona of the other remembers", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* twoNodes(true)
      const conversation = "secret"
      const recall = (address: string) => ({ address, messageName: "recall", payload: { conversation } })
      const [local, remote] = ["local", "bee"].map((realm) => `continuum://${realm}/persona/Helper%20AI`)
      yield* streamed(bee, "ai.generate", { prompt: "reverse stone", persona: "Helper AI", conversation })
      const answered = Effect.map(
        done<ReadonlyArray<{ content: string }>>(bee, "actors.ask", recall(local!)),
        (turns) => turns.length
      )
      while ((yield* answered) === 0) yield* Effect.sleep("20 millis")
      for (const messageName of ["recall", "forget"]) {
        const refused = yield* failed(ant, "actors.ask", { ...recall(remote!), messageName })
        assert.strictEqual(refused._tag, "NotExposed")
      }
      const detail = yield* done<{ exposed: string; stateValue: unknown }>(ant, "actors.inspect", { address: remote! })
      assert.deepInclude(detail, { exposed: "realm", stateValue: null })
      const own = yield* done<{ stateValue: unknown }>(bee, "actors.inspect", { address: local! })
      assert.include(JSON.stringify(own.stateValue), "stone")
    }).pipe(Effect.scoped)
  )

  it.live(
    "one stops, forgets and watches the other's actors, but not its services, and only when that is granted",
    () =>
      Effect.gen(function* () {
        const { ant, bee } = yield* twoNodes(true)
        yield* add(ant, counter)
        const { values } = yield* streamed(ant, "actors.watch", { address: counter })
        while (values.length < 1) yield* Effect.sleep("20 millis")
        assert.deepStrictEqual(values[0], { _tag: "Now", state: "idle", restarts: 0 })
        const stopped = yield* done<{ state: string }>(ant, "actors.stop", { address: counter })
        assert.strictEqual(stopped.state, "stopped")
        const refused = yield* failed(ant, "actors.ask", { address: counter, messageName: "add", payload: 1 })
        assert.strictEqual(refused._tag, "ActorStopped")
        yield* done(ant, "actors.restart", { address: counter })
        assert.strictEqual(yield* get(ant, counter), 1)
        yield* done(ant, "actors.forget", { address: counter })
        assert.strictEqual(yield* get(ant, counter), 0)
        const tags = () => values.slice(1).map(({ event }) => event._tag)
        while (tags().length < 5) yield* Effect.sleep("20 millis")
        assert.deepStrictEqual(tags(), ["Stopped", "Restarted", "Started", "Stopped", "Started"])
        for (const tag of ["actors.stop", "actors.forget"]) {
          const kept = yield* failed(ant, tag, { address: "continuum://bee/service/http" })
          assert.strictEqual(kept._tag, "ServiceKept")
        }
        const detail = yield* done<{ timeline: ReadonlyArray<{ what: string }> }>(ant, "actors.inspect", {
          address: counter
        })
        assert.includeMembers(
          detail.timeline.map(({ what }) => what),
          ["started", "handled", "stopped", "restarts"]
        )

        yield* done(bee, "peers.add", { peer: (yield* status(ant)).publicKey, grant: ["actors.ask"] })
        for (const tag of ["actors.stop", "actors.forget"]) {
          const denied = yield* failed(ant, tag, { address: counter })
          assert.deepInclude(denied, { _tag: "NotGranted", action: "actors.manage" })
        }
        assert.strictEqual(yield* get(bee, "continuum://local/counter/shared"), 0)
      }).pipe(Effect.scoped)
  )

  it.live("run each other's functions by name, by content id and by address; code travels by its hash", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* twoNodes(true)
      const double = "(input) => input * 2"
      const first = yield* runJs(ant, double, 21, { mesh: "bee" })
      const { publicKey } = yield* status(bee)
      assert.deepInclude(first, { output: 42, node: "bee", nodeKey: publicKey, cache: "fetched" })
      assert.deepInclude(yield* runJs(ant, double, 4, { mesh: publicKey }), {
        output: 8,
        cache: "hit",
        fuel: first.fuel
      })
      const here = yield* runJs(ant, double, 4)
      assert.deepInclude(here, { node: "ant", contentId: first.contentId })

      const compiled = yield* done<{ contentId: string }>(ant, "jit.compile", {
        lang: "js",
        source: "(n) => n - 1",
        sample: 1
      })
      const { contentId } = compiled
      const run = yield* done<RunResult>(bee, "jit.run", { target: { contentId }, input: 5 })
      assert.deepInclude(run, { output: 4, node: "bee", cache: "fetched" })
      const other = yield* done<{ contentId: string }>(ant, "jit.compile", {
        lang: "js",
        source: "(n) => n - 2",
        sample: 1
      })
      const asked = yield* done<{ output: number }>(ant, "actors.ask", {
        address: `continuum://bee/module/${other.contentId}`,
        messageName: "run",
        payload: { input: 5 }
      })
      assert.strictEqual(asked.output, 3)
      const error = yield* failed(ant, "jit.run", {
        target: { lang: "js", source: "(n) => n.x.y" },
        input: {},
        mesh: "bee"
      })
      assert.strictEqual(error._tag, "RunFailed")
      const nobody = yield* failed(bee, "jit.run", { target: { contentId: "0".repeat(64) }, input: 5 })
      assert.strictEqual(nobody._tag, "ContentUnknown")
    }).pipe(Effect.scoped)
  )

  it.live("compile for each other what only one of them compiles", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* twoNodes(true, ["--languages", "wat"])
      const compiled = yield* done<{ compiledBy: string }>(bee, "jit.compile", {
        lang: "js",
        source: "(n) => n + 100",
        sample: 1
      })
      assert.strictEqual(compiled.compiledBy, "ant")
      assert.deepInclude(yield* runJs(bee, "(n) => n + 100", 1), { output: 101, node: "bee", cache: "hit" })
      assert.deepInclude(yield* runJs(bee, "(n) => n + 200", 1), { output: 201, node: "bee", cache: "compiled" })
      const malformed = yield* failed(bee, "jit.compile", { lang: "js", source: "(n) => n +* 2" })
      assert.deepInclude(malformed, { _tag: "SourceMalformed", line: 1, column: 11 })
      const nobody = yield* failed(bee, "jit.compile", { lang: "cobol", source: "x" })
      assert.strictEqual(nobody._tag, "LanguageUnavailable")
      yield* done(ant, "node.down", null)
      yield* ant.ended
      const alone = yield* failed(bee, "jit.compile", { lang: "js", source: "(n) => n + 300" })
      assert.strictEqual(alone._tag, "LanguageUnavailable")
    }).pipe(Effect.scoped)
  )

  it.live(
    "outlive each other: SIGKILL of a node in the middle of a call, SIGKILL and SIGSTOP of the sidecar, lose nothing",
    () =>
      Effect.gen(function* () {
        const { ant, bee, startBee } = yield* twoNodes(true)
        for (let i = 1; i <= 20; i++) yield* add(ant, counter)
        const spin = {
          target: { lang: "js", source: "(n) => { for (;;) n += 1 }" },
          input: 1,
          mesh: "bee",
          timeoutMs: 30_000
        }
        const waiting = yield* Effect.forkChild(failed(ant, "jit.run", { ...spin, fuelMax: 90_000_000_000 }))
        const runs = done<ReadonlyArray<{ state: string }>>(bee, "actors.list", { kind: "jit" })
        while (!(yield* runs).some(({ state }) => state === "running")) yield* Effect.sleep("20 millis")
        bee.child.kill("SIGKILL")
        yield* bee.ended
        const lost = yield* Fiber.join(waiting)
        assert.strictEqual(lost._tag, "TransportLost")

        const again = yield* startBee
        yield* connectedTo(ant, 1)
        assert.strictEqual(yield* add(ant, counter), 21)

        const before = yield* status(again)
        process.kill(sidecarOf(again.pid), "SIGKILL")
        yield* Effect.sleep("200 millis")
        while ((yield* status(again)).mesh.restarts !== before.mesh.restarts + 1) yield* Effect.sleep("50 millis")
        yield* connectedTo(again, 1)
        yield* connectedTo(ant, 1)
        assert.strictEqual(yield* add(ant, counter), 22)
        process.kill(sidecarOf(again.pid), "SIGSTOP")
        while ((yield* status(again)).mesh.restarts !== before.mesh.restarts + 2) yield* Effect.sleep("50 millis")
        yield* connectedTo(again, 1)
        yield* connectedTo(ant, 1)
        assert.strictEqual(yield* add(ant, counter), 23)
        const mesh = (yield* done<DoctorReport>(again, "node.doctor", null)).checks.find(({ name }) => name === "mesh")
        assert.isTrue(mesh!.ok, mesh!.detail)
        assert.match(
          mesh!.detail,
          /; started again 2 times, the last \d+ s ago: the sidecar ended: it no longer answers/
        )
      }).pipe(Effect.scoped)
  )

  it.live("name a copied identity", () =>
    Effect.gen(function* () {
      const { ant, bee, bootstrap, folder } = yield* twoNodes(true)
      const copy = join(folder, "copy")
      mkdirSync(copy, { mode: 0o700 })
      for (const name of ["identity", "peers.json"]) cpSync(join(bee.home, name), join(copy, name))
      yield* start(copy, ["--name", "copy", ...bootstrap])
      const named = Effect.map(done<DoctorReport>(ant, "node.doctor", null), ({ checks }) =>
        checks.find(({ name }) => name === "mesh")
      )
      for (;;) {
        const check = yield* named
        if (check?.ok === false) {
          assert.match(check.detail, /Two processes run with the key|was a data folder copied\?/)
          break
        }
        yield* Effect.sleep("200 millis")
      }
    }).pipe(Effect.scoped)
  )
})

describe("two nodes without a bootstrap", () => {
  it.live("meet by peers/add host:port, and again when either was started again or lost its sidecar", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const portOf = ({ url }: NodeProcess) => new URL(url).port
      const startAnt = (port: string) => start(join(folder, "ant"), ["--name", "ant", "--port", port])
      const startBee = (port: string) => start(join(folder, "bee"), ["--name", "bee", "--port", port])
      let [ant, bee] = yield* Effect.all([startAnt("0"), startBee("0")], { concurrency: 2 })
      const [antPort, beePort] = [portOf(ant), portOf(bee)]
      const nobody = yield* failed(bee, "peers.add", { peer: "127.0.0.1:9" })
      assert.deepInclude(nobody, { _tag: "PeerUnreachable", peer: "127.0.0.1:9" })
      assert.include(String(nobody.reason), "no node answers there")
      for (const peer of [`localhost:${beePort}`, (yield* status(bee)).publicKey]) {
        const itself = yield* failed(bee, "peers.add", { peer })
        assert.deepInclude(itself, { _tag: "PeerUnreachable", reason: "it is this node itself" })
      }
      const noPort = yield* failed(bee, "peers.add", { peer: "127.0.0.1" })
      assert.deepInclude(noPort, { _tag: "PeerMalformed", reason: "its port is missing" })

      const added = yield* done<Peer>(bee, "peers.add", { peer: `localhost:${antPort}` })
      assert.deepInclude(added, { name: "ant", connected: true, address: `127.0.0.1:${antPort}` })
      yield* done(ant, "peers.add", { peer: `127.0.0.1:${beePort}` })
      assert.strictEqual(yield* add(ant, counter), 1)

      ant.child.kill("SIGKILL")
      yield* ant.ended
      ant = yield* startAnt(antPort)
      yield* connectedTo(ant, 1)
      assert.strictEqual(yield* add(ant, counter), 2)

      // Now nobody is left whose DHT knows the other: only the remembered addresses help.
      for (const node of [ant, bee]) yield* done(node, "node.down", null)
      for (const node of [ant, bee]) yield* node.ended
      ;[ant, bee] = yield* Effect.all([startAnt(antPort), startBee(beePort)], { concurrency: 2 })
      yield* connectedTo(bee, 1)
      assert.strictEqual(yield* add(ant, counter), 3)

      process.kill(sidecarOf(bee.pid), "SIGKILL")
      while ((yield* status(bee)).mesh.restarts !== 1) yield* Effect.sleep("20 millis")
      yield* connectedTo(bee, 1)
      assert.strictEqual(yield* add(ant, counter), 4)
    }).pipe(Effect.scoped)
  )
})

describe("a node", () => {
  it.live("keeps its grants in a file of its own, and can take them back", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* twoNodes(true)
      const file = join(bee.home, "peers.json")
      assert.strictEqual((statSync(file).mode & 0o777).toString(8), "600")
      assert.include(readFileSync(file, "utf8"), (yield* status(ant)).publicKey)
      assert.strictEqual(yield* add(ant, counter), 1)

      // One action of all: the functions of a granted peer run, its other calls do not.
      yield* done(bee, "peers.add", { peer: "ant", grant: ["jit.run", "content.read"] })
      const source = { lang: "js", source: "(n) => n * 9" }
      assert.strictEqual((yield* runJs(ant, source.source, 3, { mesh: "bee" })).output, 27)
      const refused = yield* failed(ant, "actors.ask", { address: counter, messageName: "add", payload: 1 })
      const { name, publicKey } = yield* status(bee)
      assert.deepInclude(refused, { _tag: "NotGranted", peer: `${name} (${publicKey})`, action: "actors.ask" })
      yield* done(bee, "peers.add", { peer: "ant", grant: ["actors.ask"] })
      const lacking = yield* failed(ant, "jit.run", { target: source, input: 3, mesh: "bee" })
      assert.deepInclude(lacking, { _tag: "NotGranted", action: "jit.run" })
      assert.strictEqual(yield* get(ant, counter), 1)

      yield* done(bee, "peers.remove", { peer: "ant" })
      while (
        (yield* failed(ant, "actors.ask", { address: counter, messageName: "add", payload: 1 }))._tag !== "NotGranted"
      ) {
        yield* Effect.sleep("50 millis")
      }
      assert.strictEqual(yield* get(bee, "continuum://local/counter/shared"), 1)
    }).pipe(Effect.scoped)
  )

  it.live("with --offline opens no socket but its door, and says so", () =>
    Effect.gen(function* () {
      const node = yield* start(join(yield* temporaryFolder, "home"), ["--offline"])
      assert.deepInclude((yield* status(node)).mesh, { state: "off", listening: null })
      assert.strictEqual((yield* failed(node, "peers.add", { peer: "127.0.0.1:3000" }))._tag, "MeshOff")
      assert.strictEqual(sidecarOf(node.pid), 0)
      assert.strictEqual(udpSocketsOf(node.pid), 0)
      const error = yield* failed(node, "actors.ask", { address: counter, messageName: "add", payload: 1 })
      assert.strictEqual(error._tag, "PeerUnreachable")
    }).pipe(Effect.scoped)
  )
})
