/** The node as a whole: real processes, real disk, real HTTP. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { DoctorReport } from "@continuum/core/rpc"
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer, type AddressInfo } from "node:net"
import { join } from "node:path"
import * as RawClients from "../apps/node/test/support/RawClients.ts"
import { call, root, start, startFailing, temporaryFolder, type NodeProcess } from "./NodeProcess.ts"

const counter = "continuum://local/counter/test"
const add = (node: NodeProcess, by: unknown = 1, address = counter) =>
  Effect.promise(() => call(node, "actors.ask", { address, messageName: "add", payload: by }))
const count = (node: NodeProcess, address = counter) =>
  Effect.promise(() => call(node, "actors.ask", { address, messageName: "get", payload: null }))
const runJs = (node: NodeProcess, source: string, input: unknown, limits: object = {}) =>
  Effect.promise(() => call(node, "jit.run", { target: { lang: "js", source }, input, ...limits }))
const doctor = (node: NodeProcess) =>
  Effect.promise(async () => (await call(node, "node.doctor", null)).exit?.value as DoctorReport)
const get = (node: NodeProcess, path: string, headers: Record<string, string> = {}) =>
  Effect.promise(() => fetch(`${node.url}${path}`, { headers }))
const kill = (node: NodeProcess, signal: NodeJS.Signals) =>
  Effect.andThen(
    Effect.sync(() => node.child.kill(signal)),
    node.ended
  )
const failureTag = (answer: Awaited<ReturnType<typeof call>>): string | undefined =>
  answer.exit?._tag === "Failure" ? answer.exit.cause[0]?.error?._tag : undefined

/** One node for the tests that leave it as it was. */
class Running extends Context.Service<Running, NodeProcess>()("test/Running") {}
const running = Layer.effect(
  Running,
  Effect.flatMap(temporaryFolder, (folder) => start(join(folder, "home")))
)

describe("a running node", () => {
  layer(running, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    it.effect("lets nobody in without the key, from a foreign page, or under a foreign name", () =>
      Effect.gen(function* () {
        const node = yield* Running
        const status = (key: string | undefined) =>
          Effect.promise(async () => (await call(node, "node.status", null, key)).status)
        assert.strictEqual(yield* status(node.key), 200)
        const missing = yield* Effect.promise(() => fetch(`${node.url}/rpc`, { method: "POST", body: "{}" }))
        assert.strictEqual(missing.status, 401)
        assert.deepInclude(((yield* Effect.promise(() => missing.json())) as { error: object }).error, {
          tag: "KeyRefused"
        })
        assert.strictEqual(yield* status("x"), 401)
        assert.strictEqual(yield* status(`${node.key}x`), 401)
        const own = { authorization: `Bearer ${node.key}` }
        assert.strictEqual((yield* get(node, "/rpc", {})).status, 401)
        assert.strictEqual((yield* get(node, "/healthz", { origin: "https://evil.example" })).status, 403)
        assert.strictEqual((yield* get(node, "/healthz", { ...own, origin: "null" })).status, 403)
        assert.strictEqual((yield* get(node, "/healthz", { origin: node.url })).status, 200)
        // fetch sets Host itself, so the foreign name goes over a plain socket.
        const port = Number(new URL(node.url).port)
        for (const [host, expected] of [
          ["evil.example", "403"],
          [`evil.example:${port}`, "403"],
          [`localhost:${port}`, "200"],
          [`127.0.0.1:${port}`, "200"]
        ] as const) {
          const reply = yield* rawRequest(port, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
          assert.include(reply.split("\r\n")[0]!, expected)
        }
        yield* refusesInJson(node)
      }).pipe(Effect.scoped)
    )

    it.effect("answers /healthz while clients send what is no HTTP, and while a thousand connect and say nothing", () =>
      Effect.gen(function* () {
        const node = yield* Running
        const port = Number(new URL(node.url).port)
        const waiting = yield* Effect.acquireRelease(
          Effect.promise(() => RawClients.idle(port, 1_000)),
          (sockets) => Effect.sync(() => sockets.forEach((socket) => socket.destroy()))
        )
        assert.strictEqual(waiting.filter(({ readyState }) => readyState === "open").length, 1_000)
        const meeting = Effect.forEach(
          RawClients.malformed,
          (client) =>
            Effect.map(
              Effect.promise(() => RawClients.meet(port, client, 20_000)),
              (met) => ({ client, met })
            ),
          { concurrency: "unbounded" }
        )
        const asking = Effect.forEach(Array.from({ length: 20 }), () => get(node, "/healthz"))
        const [met, answers] = yield* Effect.all([meeting, asking], { concurrency: 2 })
        for (const { client, met: seen } of met) {
          assert.isTrue(seen.ended, client.name)
          assert.match(String(seen.status), /^4\d\d$/, client.name)
        }
        for (const answer of answers) assert.strictEqual(answer.status, 200)
      }).pipe(Effect.scoped)
    )

    it.effect("takes a call whose last line has no end, and keeps its hands off a folder that is not its own", () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const node = yield* Running
        const body = JSON.stringify({ _tag: "Request", id: "1", tag: "node.config", payload: null, headers: [] })
        const headers = { authorization: `Bearer ${node.key}` }
        const text = yield* Effect.promise(async () =>
          (await fetch(`${node.url}/rpc`, { method: "POST", headers, body })).text()
        )
        assert.include(text, '"Success"')

        const foreign = join(folder, "foreign")
        mkdirSync(foreign, { mode: 0o755 })
        writeFileSync(join(foreign, "thesis.tex"), "")
        const refused = yield* startFailing(foreign)
        assert.strictEqual(refused.exitCode, 1)
        assert.include(refused.output, "thesis.tex")
        assert.strictEqual(statSync(foreign).mode & 0o777, 0o755)
      }).pipe(Effect.scoped)
    )

    it.effect("answers /healthz and /metrics, and promtool finds nothing wrong with the metrics", () =>
      Effect.gen(function* () {
        const node = yield* Running
        yield* add(node)
        const health = (yield* Effect.promise(async () => (await fetch(`${node.url}/healthz`)).json())) as Record<
          string,
          unknown
        >
        assert.strictEqual(health.status, "ok")
        const metrics = yield* Effect.promise(async () => (await fetch(`${node.url}/metrics`)).text())
        assert.match(metrics, /^continuum_messages_processed_total [1-9]\d*$/m)
        for (const name of ["actor_passivations_total", "reminders", "reminders_handled_total", "dead_letters_total"])
          assert.match(metrics, new RegExp(`^continuum_${name} \\d+$`, "m"))
        const promtool = spawnSync("promtool", ["check", "metrics"], { input: metrics, encoding: "utf8" })
        assert.strictEqual(
          promtool.error?.message,
          undefined,
          "promtool (Debian package prometheus) is needed; .ci/run installs it"
        )
        assert.strictEqual(promtool.status, 0, promtool.stderr)
      }).pipe(Effect.scoped)
    )

    it.effect("keeps answering while functions loop, recurse and eat memory, and refuses each of them clearly", () =>
      Effect.gen(function* () {
        const node = yield* Running
        const hostile = [
          ["(n) => { while (true) n++ }", ["FuelExhausted", "RunTimeout"]],
          ["(n) => { const f = (k) => f(k + 1) + 1; return f(n) }", ["RunFailed"]],
          [
            "(n) => { const all = []; while (true) all.push('x'.repeat(1e6) + n) }",
            ["MemoryExceeded", "FuelExhausted"]
          ],
          ["(n) => process.exit(n)", ["SourceRefused"]],
          ["(n) => require('fs')", ["SourceRefused"]],
          ["(n) => fetch('http://127.0.0.1')", ["SourceRefused"]],
          ["(n) => { return n +* 2 }", ["SourceMalformed"]]
        ] as const
        const lags: Array<number> = []
        let running = true
        const watch = Effect.promise(async () => {
          while (running) {
            const begun = performance.now()
            await (await fetch(`${node.url}/healthz`)).text()
            lags.push(performance.now() - begun)
            await new Promise((done) => setTimeout(done, 20))
          }
        })
        const work = Effect.forEach(
          hostile,
          ([source, allowed]) =>
            Effect.map(runJs(node, source, 1), (answer) =>
              assert.include(allowed, failureTag(answer), `${source}: ${answer.text}`)
            ),
          { concurrency: 2 }
        ).pipe(Effect.ensuring(Effect.sync(() => (running = false))))
        yield* Effect.all([watch, work], { concurrency: 2 })
        // The node shares two cores with its children and with this process: a rare answer may have to wait for a core.
        lags.sort((a, b) => a - b)
        assert.isBelow(
          lags[Math.floor(lags.length * 0.95)]!,
          250,
          "milliseconds that 95 in 100 answers of /healthz take at most"
        )
        assert.isBelow(lags.at(-1)!, 2_000, "milliseconds that the slowest answer of /healthz takes")
        const malformed = yield* runJs(node, "(n) => {\n  return n +* 2 }", 1)
        assert.deepInclude(malformed.exit?.cause[0].error, { line: 2, column: 13 })
      }).pipe(Effect.scoped)
    )
  })
})

describe("a node", () => {
  it.live("starts on a new home, writes its files with the right modes, and stops cleanly on SIGTERM", () =>
    Effect.gen(function* () {
      const home = join(yield* temporaryFolder, "deep", "home")
      const node = yield* start(home, ["--name", "first"])
      const mode = (name: string) => (statSync(join(home, name)).mode & 0o777).toString(8)
      assert.strictEqual(mode("."), "700")
      assert.strictEqual(mode("identity"), "600")
      assert.strictEqual(mode("api-key"), "600")
      const file = JSON.parse(readFileSync(join(home, "node.json"), "utf8")) as Record<string, unknown>
      assert.deepStrictEqual(Object.keys(file).sort(), ["name", "pid", "publicKey", "url"])
      assert.strictEqual(file.name, "first")
      while (!node.output().includes("Stop with")) yield* Effect.sleep(10)
      assert.include(node.output(), node.url)
      assert.include(node.output(), join(home, "api-key"))
      assert.include(node.output(), String(file.publicKey))
      assert.strictEqual(node.output().match(/\.\/jtag/g)?.length, 3)
      assert.notInclude(node.output(), node.key)
      assert.strictEqual(yield* kill(node, "SIGTERM"), 0)
      assert.isFalse(existsSync(join(home, "node.json")))

      const again = yield* start(home)
      assert.strictEqual(
        (JSON.parse(readFileSync(join(home, "node.json"), "utf8")) as { publicKey: string }).publicKey,
        file.publicKey
      )
      assert.strictEqual(again.key, node.key)
      assert.strictEqual(yield* kill(again, "SIGINT"), 0)
    }).pipe(Effect.scoped)
  )

  it.live(
    "refuses a second node on its home and names the first; a killed one is no obstacle to a third, which compiles what it was told to",
    () =>
      Effect.gen(function* () {
        const home = yield* temporaryFolder
        const first = yield* start(home, ["--name", "the-first"])
        const second = yield* startFailing(home)
        assert.strictEqual(second.exitCode, 1)
        assert.include(second.output, "the-first")
        assert.include(second.output, String(first.pid))
        assert.include(second.output, first.url)
        yield* kill(first, "SIGKILL")
        assert.isTrue(existsSync(join(home, "node.json")))
        const third = yield* start(home, ["--languages", "wat"])
        assert.notStrictEqual(third.pid, first.pid)
        const answer = yield* runJs(third, "(input) => input", 1)
        assert.deepInclude(answer.exit?.cause[0].error, { _tag: "LanguageUnavailable", lang: "js", available: ["wat"] })
      }).pipe(Effect.scoped)
  )

  it.live("says what to do about a port in use, a home that is a file, and settings that cannot be", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const port = yield* takenPort
      const inUse = yield* startFailing(join(folder, "a"), ["--port", String(port)])
      assert.strictEqual(inUse.exitCode, 1)
      assert.include(inUse.output, `port ${port}`)
      assert.include(inUse.output, "--port 0")

      writeFileSync(join(folder, "file"), "")
      const notFolder = yield* startFailing(join(folder, "file", "home"))
      assert.strictEqual(notFolder.exitCode, 1)
      assert.include(notFolder.output, "--home DIR")
      assert.notInclude(notFolder.output, "    at ")

      const badFlag = yield* startFailing(join(folder, "b"), ["--prot", "3000"])
      assert.strictEqual(badFlag.exitCode, 2)
      assert.match(badFlag.output, /^Unknown flag --prot. Did you mean --port\?\nSee: bun apps\/node --help\n$/)
      const noAddress = yield* startFailing(join(folder, "b"), ["--host", "192.0.2.1"])
      assert.strictEqual(noAddress.exitCode, 1)
      assert.match(noAddress.output, /no such address.*--host/)
      const noHost = yield* startFailing(join(folder, "b"), ["--host", "nobody.invalid"])
      assert.strictEqual(noHost.exitCode, 1)
      assert.match(noHost.output, /no machine of this name is known.*--host/)
      mkdirSync(join(folder, "e/continuum.toml"), { recursive: true })
      assert.match((yield* startFailing(join(folder, "e"))).output, /continuum.toml: it is a folder\n$/)
      const badValue = yield* startFailing(join(folder, "c"), ["--port", "70000"])
      assert.strictEqual(badValue.exitCode, 2)
      assert.include(badValue.output, "0 to 65535")
      mkdirSync(join(folder, "d"))
      writeFileSync(join(folder, "d", "identity"), "not json, secret-looking-text")
      const badIdentity = yield* startFailing(join(folder, "d"))
      assert.strictEqual(badIdentity.exitCode, 1)
      assert.include(badIdentity.output, "identity")
      assert.notInclude(badIdentity.output, "secret-looking-text")
    }).pipe(Effect.scoped)
  )

  it.live("goes on when nobody reads what it prints, and stops cleanly when its terminal is closed", () =>
    Effect.gen(function* () {
      const home = yield* temporaryFolder
      const node = yield* start(home)
      // Its pipes are closed, and then it prints: the log of the restart below, and of the stop.
      node.child.stdout!.destroy()
      node.child.stderr!.destroy()
      for (let i = 0; i < 3; i++) {
        yield* Effect.promise(() => call(node, "actors.restart", { address: "continuum://local/service/log" }))
        yield* runJs(node, "(n) => { const f = (k) => f(k + 1) + 1; return f(n) }", i)
      }
      assert.strictEqual((yield* add(node)).exit?.value, 1)
      assert.strictEqual(yield* kill(node, "SIGHUP"), 0)
      assert.isFalse(existsSync(join(home, "node.json")))
    }).pipe(Effect.scoped)
  )

  it.live("loses no acknowledged write and no use count to SIGKILL", () =>
    Effect.gen(function* () {
      const home = yield* temporaryFolder
      const node = yield* start(home)
      assert.strictEqual((yield* runJs(node, "(input) => input * 2", 21)).exit?.value.output, 42)
      let acknowledged = 0
      const writes = Effect.forEach(
        Array.from({ length: 1000 }, (_, i) => i),
        () =>
          Effect.tryPromise(async () => {
            const { exit } = await call(node, "actors.ask", { address: counter, messageName: "add", payload: 1 })
            if (exit?._tag === "Success") acknowledged = Math.max(acknowledged, exit.value as number)
          }).pipe(Effect.ignore),
        { concurrency: 16, discard: true }
      )
      // The kill falls into the middle of the writes, wherever the machine is by then.
      const killer = Effect.promise(async () => {
        while (acknowledged < 300) await new Promise((done) => setTimeout(done, 2))
        node.child.kill("SIGKILL")
      })
      yield* Effect.all([writes, killer], { concurrency: 2 })
      yield* node.ended
      assert.isAtLeast(acknowledged, 300)
      const again = yield* start(home)
      const kept = (yield* count(again)).exit?.value as number
      assert.isAtLeast(kept, acknowledged)
      assert.isAtMost(kept, 1000)
      const repeated = yield* runJs(again, "(input) => input * 2", 4)
      assert.strictEqual(repeated.exit?.value.output, 8)
      assert.strictEqual(repeated.exit?.value.cache, "hit")
      const modules = (yield* Effect.promise(() => call(again, "modules.list", null))).exit?.value as ReadonlyArray<{
        uses: number
        contentId: string
      }>
      const used = modules.find(({ contentId }) => contentId === repeated.exit?.value.contentId)
      assert.isAtLeast(used!.uses, 2)
    }).pipe(Effect.scoped)
  )

  it.live("names a damaged record in doctor, keeps the others, and starts it anew when asked", () =>
    Effect.gen(function* () {
      const home = yield* temporaryFolder
      const node = yield* start(home)
      const other = "continuum://local/counter/other"
      yield* add(node, 5)
      yield* add(node, 7, other)
      yield* kill(node, "SIGTERM")
      const damage = spawnSync(
        join(root, "node_modules/.bin/bun"),
        [join(root, "test/damageRecord.ts"), join(home, "state"), counter],
        {
          encoding: "utf8"
        }
      )
      assert.strictEqual(damage.status, 0, damage.stderr)
      const again = yield* start(home)
      assert.strictEqual((yield* count(again, other)).exit?.value, 7)
      assert.strictEqual((yield* count(again)).exit?._tag, "Failure")
      const report = yield* doctor(again)
      assert.isFalse(report.ok)
      const records = report.checks.find(({ name }) => name === "records")!
      assert.include(records.detail, counter)
      assert.include(records.fix!, "actors/restart")
      yield* Effect.promise(() => call(again, "actors.restart", { address: counter }))
      assert.strictEqual((yield* count(again)).exit?.value, 0)

      // A database that is gone and a backup that is garbage: said as it is, and the node goes on.
      yield* kill(again, "SIGTERM")
      rmSync(join(home, "state/actors.mdb"))
      writeFileSync(join(home, "state/actors.backup.mdb"), new Uint8Array(20_000))
      const anew = yield* start(home)
      assert.strictEqual((yield* add(anew, 1)).exit?.value, 1)
      const state = (yield* doctor(anew)).checks.find(({ name }) => name === "state")!
      assert.isFalse(state.ok)
      assert.match(state.detail, /is missing, and the backup is damaged .*: all actors begin anew/)
      assert.notInclude(state.detail, "restored")
    }).pipe(Effect.scoped)
  )

  it.live(
    "survives a full disk: the write fails typed, what was acknowledged stays, and it goes on when there is room",
    () =>
      Effect.gen(function* () {
        const home = yield* smallDisk(48)
        const node = yield* start(home)
        assert.strictEqual((yield* add(node, 3)).exit?.value, 3)
        fillDisk(home)
        const refused: Array<string | undefined> = []
        for (let i = 0; i < 400 && refused.length === 0; i++) {
          const answer = yield* Effect.promise(() =>
            call(node, "jit.compile", { lang: "js", source: `(x) => x + ${i} + "${"a".repeat(20_000)}".length` })
          )
          if (answer.exit?._tag === "Failure") refused.push(failureTag(answer))
        }
        assert.include(["ContentNotStored", "StateNotStored", "ActorFailed"], refused[0])
        assert.strictEqual((yield* get(node, "/healthz")).status, 200)
        spawnSync("rm", [join(home, "filler")])
        assert.strictEqual((yield* add(node, 1)).exit?.value, 4)
        yield* kill(node, "SIGKILL")
        const again = yield* start(home)
        assert.strictEqual((yield* count(again)).exit?.value, 4)
      }).pipe(Effect.scoped)
  )
})

/** What no door takes is refused in the shape of the others, and `/` says what there is. */
const refusesInJson = (node: NodeProcess) =>
  Effect.promise(async () => {
    const authorization = `Bearer ${node.key}`
    const json = async (path: string, init: RequestInit) => {
      const response = await fetch(`${node.url}${path}`, { ...init, headers: { ...init.headers, authorization } })
      assert.strictEqual(response.headers.get("x-content-type-options"), "nosniff")
      return [response.status, ((await response.json()) as { error: { tag: string } }).error.tag]
    }
    assert.deepStrictEqual(await json("/nothing-here", {}), [404, "RouteUnknown"])
    assert.deepStrictEqual(await json("/rpc", { method: "PUT" }), [404, "RouteUnknown"])
    assert.deepStrictEqual(await json("/v1/nothing-here", {}), [404, "RouteUnknown"])
    const large = new Uint8Array(24 * 1024 * 1024 + 1)
    assert.deepStrictEqual(await json("/rpc", { method: "POST", body: large }), [413, "BodyTooLarge"])
    // Of a body that comes in pieces nobody knows the length beforehand.
    const pieces = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024))
    })
    const streamed = { method: "POST", body: pieces, duplex: "half" } as RequestInit
    assert.deepStrictEqual(await json("/rpc", streamed), [413, "BodyTooLarge"])

    const root = await (await fetch(node.url)).text()
    for (const part of ["Continuum", "/healthz", "./jtag status"]) assert.include(root, part)
    const page = await fetch(node.url, { headers: { accept: "text/html" } })
    assert.include(page.headers.get("content-type"), "text/html")
    const html = await page.text()
    for (const part of ['<a href="/healthz">', "<code>/rpc</code>", "file api-key"]) assert.include(html, part)
    for (const secret of [node.key, node.home]) assert.notInclude(html + root, secret)

    const misshapen = await call(node, "jit.run", { target: 5 })
    assert.deepInclude(misshapen.exit?.cause[0].error, { _tag: "CallMalformed", call: "jit.run" })
  })

const rawRequest = (port: number, text: string): Effect.Effect<string> =>
  Effect.promise(async () => {
    const { connect } = await import("node:net")
    return new Promise<string>((done, fail) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(text))
      let reply = ""
      socket.on("data", (chunk: Buffer) => (reply += chunk.toString()))
      socket.on("close", () => done(reply))
      socket.on("error", fail)
    })
  })

const takenPort = Effect.acquireRelease(
  Effect.callback<ReturnType<typeof createServer>>((resume) => {
    const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => server.close())
).pipe(Effect.map((server) => (server.address() as AddressInfo).port))

/** A file system of its own of so many megabytes, in memory. */
const smallDisk = (megabytes: number) =>
  Effect.gen(function* () {
    const folder = join(yield* temporaryFolder, "disk")
    mkdirSync(folder)
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const mount = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder], {
          encoding: "utf8"
        })
        assert.strictEqual(mount.status, 0, `this test mounts a small tmpfs, which needs root: ${mount.stderr}`)
      }),
      () => Effect.sync(() => spawnSync("umount", ["-l", folder]))
    )
    return folder
  })

/** Writes until nothing more fits. */
const fillDisk = (folder: string) =>
  spawnSync("dd", ["if=/dev/zero", `of=${join(folder, "filler")}`, "bs=4096"], { stdio: "ignore" })
