import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { type AddressInfo, createServer, type Server } from "node:net"
import { join } from "node:path"
import * as NodeTarget from "../src/NodeTarget.ts"
import * as Cli from "./support/Cli.ts"
import * as TestNode from "./support/TestNode.ts"

const started = Effect.gen(function* () {
  const folder = yield* Cli.temporaryFolder
  const node = yield* TestNode.start(join(folder, "home"))
  return { folder, node }
})

/** A port on which nothing listens. */
const unusedPort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const port = (server.address() as { port: number }).port
    server.close(() => resume(Effect.succeed(port)))
  })
})

describe("NodeTarget", () => {
  it.live("finds the node by flag, by variable, by home folder, and below HOME, in this order", () =>
    Effect.gen(function* () {
      const { folder, node } = yield* started
      const dead = `http://127.0.0.1:${yield* unusedPort}`
      const variables = { CONTINUUM_API_KEY: TestNode.apiKey }
      const code = (argv: ReadonlyArray<string>, more: Record<string, string>) =>
        Effect.map(Cli.run(["status", ...argv], { variables: { ...variables, ...more } }), (ran) => ran.code)

      assert.strictEqual(yield* code(["--node", node.url], { CONTINUUM_NODE: dead }), 0)
      assert.strictEqual(yield* code(["--node", `${node.url.replace("http://", "")}/`], {}), 0)
      assert.strictEqual(yield* code([], { CONTINUUM_NODE: node.url, CONTINUUM_HOME: "/nowhere" }), 0)
      assert.strictEqual(yield* code([], { CONTINUUM_NODE: dead, CONTINUUM_HOME: node.home }), 3)
      assert.strictEqual(yield* code(["--home", node.home], { CONTINUUM_HOME: "/nowhere" }), 0)
      assert.strictEqual(yield* code([], { CONTINUUM_HOME: node.home, HOME: "/nowhere" }), 0)
      mkdirSync(join(folder, ".continuum"))
      writeFileSync(join(folder, ".continuum/node.json"), JSON.stringify({ pid: 1, url: node.url }))
      assert.strictEqual(yield* code([], { HOME: folder }), 0)
      assert.strictEqual(yield* code([], { HOME: folder, CONTINUUM_NODE: "", CONTINUUM_HOME: "" }), 0)
    }).pipe(Effect.scoped)
  )

  it.live("says how to start a node when there is none: no file, a file of a dead node, a file of nonsense", () =>
    Effect.gen(function* () {
      const home = yield* Cli.temporaryFolder
      const file = join(home, "node.json")
      const run = () => Cli.run(["status"], { variables: { CONTINUUM_HOME: home } })
      const check = (ran: Cli.Ran, part: string) => {
        assert.strictEqual(ran.code, 3)
        assert.include(ran.stderr, part)
        assert.include(ran.stderr, "npm start")
        assert.include(ran.stderr, "bun apps/node")
      }
      check(yield* run(), "node.json does not exist")
      writeFileSync(file, JSON.stringify({ pid: 4242, url: `http://127.0.0.1:${yield* unusedPort}` }))
      check(yield* run(), "names process 4242")
      writeFileSync(file, "not JSON")
      check(yield* run(), "names no node")
      writeFileSync(file, JSON.stringify({ pid: 1, url: "http://[" }))
      check(yield* run(), "names no node")
      check(yield* Cli.run(["status"], { variables: {} }), "HOME is not set")
      const ran = yield* Cli.run(["status", "--node", `127.0.0.1:${yield* unusedPort}`], { variables: {} })
      check(ran, "No node answers at")
    }).pipe(Effect.scoped)
  )

  it.live("takes the key from the variable first, then from the home folder", () =>
    Effect.gen(function* () {
      const { node } = yield* started
      const variables = { CONTINUUM_HOME: node.home }
      assert.strictEqual((yield* Cli.run(["status"], { variables })).code, 0)
      assert.strictEqual(node.keysSeen.at(-1), TestNode.apiKey)
      const wrong = yield* Cli.run(["status"], { variables: { ...variables, CONTINUUM_API_KEY: "wrong" } })
      assert.strictEqual(wrong.code, 4)
      assert.include(wrong.stderr, "The API key is wrong")
      assert.include(wrong.stderr, "from CONTINUUM_API_KEY")
      writeFileSync(join(node.home, "api-key"), "stale")
      const stale = yield* Cli.run(["status"], { variables })
      assert.strictEqual(stale.code, 4)
      assert.include(stale.stderr, join(node.home, "api-key"))
      rmSync(join(node.home, "api-key"))
      const missing = yield* Cli.run(["status"], { variables })
      assert.strictEqual(missing.code, 4)
      assert.include(missing.stderr, "No API key was sent")
      assert.include(missing.stderr, "CONTINUUM_API_KEY")
      assert.include(missing.stderr, join(node.home, "api-key"))
      assert.isUndefined(node.keysSeen.at(-1))
    }).pipe(Effect.scoped)
  )

  it.live(
    "says so and ends with 3 when what answers is no node: another protocol, a web server, a port that hangs up",
    () =>
      Effect.gen(function* () {
        for (const [answer, reason] of [
          ["SSH-2.0-OpenSSH_9.2p1\r\n", "it does not speak HTTP"],
          ["", "it hangs up without an answer"],
          ["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "status 404"],
          ["HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi", "text/html"]
        ] as const) {
          const url = yield* foreignServer(answer)
          for (const words of [["status"], ["jit/run", "--lang", "js", "--source", "x => x", "--input", "1"]]) {
            const ran = yield* Cli.run([...words, "--node", url])
            assert.strictEqual(ran.code, 3, ran.stderr)
            assert.include(ran.stderr, "is no Continuum node")
            assert.include(ran.stderr, reason)
            assert.include(ran.stderr, "npm start")
            assert.notInclude(ran.stderr, "may have been run")
          }
        }
      }).pipe(Effect.scoped)
  )

  it.effect("does not wait for ever for a node that took a long call and then answers nothing", () =>
    Effect.gen(function* () {
      const { calls, url } = yield* silentServer
      /** Waits, in real time, until so many calls have come. */
      const arrived = (count: number) =>
        Effect.promise(async () => {
          while (calls() < count) await new Promise((done) => setTimeout(done, 5))
        })
      const words = ["jit/run", "--lang", "js", "--source", "x => x", "--input", "1", "--node", url]
      const run = yield* Effect.forkChild(Cli.run(words))
      yield* arrived(1)
      yield* TestClock.adjust("15 seconds")
      yield* arrived(2)
      yield* TestClock.adjust("30 seconds")
      const ran = yield* Fiber.join(run)
      assert.strictEqual(ran.code, 3)
      assert.include(ran.stderr, "did not answer within 30 s")
    }).pipe(Effect.scoped)
  )

  it.live("never puts a key into a message", () =>
    Effect.gen(function* () {
      const { node } = yield* started
      const secret = "very-secret-key"
      for (const words of [["status"], ["status", "--json"], ["status", "--node", "127.0.0.1:1"]]) {
        const ran = yield* Cli.run(words, { variables: { CONTINUUM_HOME: node.home, CONTINUUM_API_KEY: secret } })
        assert.notStrictEqual(ran.code, 0)
        assert.notInclude(ran.stdout + ran.stderr, secret)
      }
    }).pipe(Effect.scoped)
  )

  it.live("sends the key of a home folder to no other host, unless the user names the folder too", () =>
    Effect.gen(function* () {
      const { node } = yield* started
      // A name for loopback that does not look like it, as a stranger's would.
      const other = node.url.replace("127.0.0.1", "0.0.0.0")
      const variables = { CONTINUUM_HOME: node.home }
      const ran = yield* Cli.run(["status", "--node", other], { variables })
      assert.strictEqual(ran.code, 4)
      assert.isUndefined(node.keysSeen.at(-1))
      assert.include(ran.stderr, "was not sent")
      assert.strictEqual((yield* Cli.run(["status", "--node", other, "--home", node.home], { variables })).code, 0)
      assert.strictEqual((yield* Cli.run(["status", "--node", node.url], { variables })).code, 0)
      assert.strictEqual(
        (yield* Cli.run(["status", "--node", node.url.replace("127.0.0.1", "localhost")], { variables })).code,
        0
      )
    }).pipe(Effect.scoped)
  )

  it.live("knows what can be no key before it sends it anywhere, and does not repeat it", () =>
    Effect.gen(function* () {
      const { node } = yield* started
      for (const key of ["two\nlines", "schlüssel", "a b", "k".repeat(70_000)]) {
        const ran = yield* Cli.run(["status", "--node", node.url], { variables: { CONTINUUM_API_KEY: key } })
        assert.strictEqual(ran.code, 2)
        assert.include(ran.stderr, "CONTINUUM_API_KEY is not the key of a node")
        assert.notInclude(ran.stderr, key)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("reads a URL as people write it", () =>
    Effect.gen(function* () {
      for (const [input, url] of [
        ["http://127.0.0.1:3000", "http://127.0.0.1:3000"],
        ["http://127.0.0.1:3000//", "http://127.0.0.1:3000"],
        ["localhost:3000", "http://localhost:3000"],
        ["[::1]:3000", "http://[::1]:3000"],
        ["https://node.example/base/", "https://node.example/base"]
      ] as const) {
        assert.strictEqual(yield* NodeTarget.readUrl("--node", input), url)
      }
      for (const input of [
        "",
        "http://",
        "ftp://x",
        "file:///etc/passwd",
        "http://[",
        "a b",
        "3000",
        "http:/x",
        "http://key@x",
        "http://x?y",
        "http://x#y"
      ]) {
        const error = yield* Effect.flip(NodeTarget.readUrl("--node", input))
        assert.strictEqual(error._tag, "UrlMalformed", input)
      }
    })
  )
})

/** Answers whatever comes with these bytes, and hangs up. */
const foreignServer = (answer: string) =>
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer((socket) => {
        socket.on("error", () => {})
        socket.once("data", () => socket.end(answer))
      }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => void server.close())
  ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`))

/** Takes calls and never answers. */
const silentServer = Effect.acquireRelease(
  Effect.callback<{ readonly server: Server; readonly calls: () => number }>((resume) => {
    let calls = 0
    const server = createServer((socket) => {
      socket.on("error", () => {})
      socket.once("data", () => void calls++)
    }).listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, calls: () => calls })))
  }),
  ({ server }) => Effect.sync(() => void server.close())
).pipe(
  Effect.map(({ calls, server }) => ({ calls, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
)
