/**
 * Two nodes on two hosts, as far as the kernel can pretend: a network namespace for each, joined by a bridge in a third. Real UDP, a
 * private DHT whose root is one of the two, and a cable that is pulled out and put back.
 */
import type { Peer } from "@continuum/core/PeerDirectory"
import type { RunResult } from "@continuum/runtime-wasm/rpc"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { execFile, execFileSync, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { root, temporaryFolder } from "./NodeProcess.ts"

const bun = join(root, "node_modules/.bin/bun")
const port = "3100"

const ip = (...args: ReadonlyArray<string>): void => {
  try {
    execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] })
  } catch (cause) {
    throw new Error(
      `"ip ${args.join(" ")}" failed: ${(cause as Error).message}. This test makes network namespaces: it needs Linux, root, and ` +
        "ip (apt-get install iproute2)",
      { cause }
    )
  }
}

interface Host {
  readonly name: string
  readonly namespace: string
  readonly address: string
  /** Pulls the cable out, or puts it back. */
  readonly cable: (state: "up" | "down") => void
}

/** Two hosts on one bridge; nothing of it is left when the scope closes. */
const lan = Effect.acquireRelease(
  Effect.sync(() => {
    const named = (name: string) => `continuum-${process.pid}-${name}`
    const bridge = named("lan")
    ip("netns", "add", bridge)
    ip("-n", bridge, "link", "add", "br0", "type", "bridge")
    ip("-n", bridge, "link", "set", "br0", "up")
    return ["ant", "bee"].map((name, index): Host => {
      const namespace = named(name)
      const address = `10.77.0.${index + 1}`
      ip("netns", "add", namespace)
      ip("-n", bridge, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", namespace)
      ip("-n", bridge, "link", "set", name, "master", "br0", "up")
      ip("-n", namespace, "address", "add", `${address}/24`, "dev", "eth0")
      for (const device of ["lo", "eth0"]) ip("-n", namespace, "link", "set", device, "up")
      return { name, namespace, address, cable: (state) => ip("-n", bridge, "link", "set", name, state) }
    })
  }),
  () =>
    Effect.sync(() => {
      for (const name of ["ant", "bee", "lan"]) {
        const namespace = `continuum-${process.pid}-${name}`
        if (existsSync(`/run/netns/${namespace}`)) ip("netns", "delete", namespace)
      }
    })
)

/** Starts a node on a host, and gives the way to run commands there. */
const start = (
  { address, name, namespace }: Host,
  home: string,
  flags: ReadonlyArray<string>
): Effect.Effect<Run, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(
        "ip",
        ["netns", "exec", namespace, bun, join(root, "apps/node/index.ts"), "--home", home, "--name", name]
          .concat(["--host", address, "--port", port])
          .concat(flags),
        { env: { PATH: process.env.PATH, HOME: home }, stdio: "ignore" }
      )
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  ).pipe(
    Effect.as(<A>(...args: ReadonlyArray<string>) =>
      Effect.callback<A, Failure>((resume) => {
        const command = [bun, join(root, "apps/cli/index.ts"), ...args, "--json", "--home", home]
        execFile("ip", ["netns", "exec", namespace, ...command], (error, stdout, stderr) => {
          if (error === null) return resume(Effect.succeed(JSON.parse(stdout) as A))
          resume(Effect.fail({ _tag: "Failure", text: stderr }))
        })
      })
    )
  )

type Run = <A>(...args: ReadonlyArray<string>) => Effect.Effect<A, Failure>

interface Asked {
  readonly reply: unknown
}

interface Failure {
  readonly _tag: "Failure"
  readonly text: string
}

/** Runs a command until its answer is as it should be. */
const until = <A>(command: Effect.Effect<A, Failure>, holds: (answer: A) => boolean): Effect.Effect<A> =>
  command.pipe(
    Effect.flatMap((answer) => (holds(answer) ? Effect.succeed(answer) : Effect.fail(answer))),
    Effect.catch(() =>
      Effect.andThen(
        Effect.sleep("200 millis"),
        Effect.suspend(() => until(command, holds))
      )
    )
  )

const connected = (list: ReadonlyArray<Peer>) => list.some((peer) => peer.connected && peer.rttMs !== null)

describe("two nodes on two hosts", () => {
  it.live("find and use each other, notice that the cable is out, and go on when it is back", () =>
    Effect.gen(function* () {
      const [antHost, beeHost] = yield* lan
      const folder = yield* temporaryFolder
      const ant = yield* start(antHost!, join(folder, "ant"), [])
      const bee = yield* start(beeHost!, join(folder, "bee"), ["--bootstrap", `${antHost!.address}:${port}`])
      const [seenByAnt, seenByBee] = yield* Effect.all([
        until(ant<ReadonlyArray<Peer>>("peers/list"), connected),
        until(bee<ReadonlyArray<Peer>>("peers/list"), connected)
      ])
      assert.isTrue(seenByAnt[0]!.address.startsWith(`${beeHost!.address}:`), seenByAnt[0]!.address)
      yield* ant("peers/add", "bee")
      yield* bee("peers/add", seenByBee[0]!.publicKey)

      const counter = "continuum://bee/counter/shared"
      assert.strictEqual((yield* ant<Asked>("actors/ask", counter, "add", "1")).reply, 1)
      const ran = yield* ant<RunResult>(
        "jit/run",
        "--lang",
        "js",
        "--source",
        "(n) => n * 2",
        "--input",
        "21",
        "--mesh",
        "bee"
      )
      assert.deepInclude(ran, { output: 42, node: "bee", nodeKey: seenByAnt[0]!.publicKey })

      beeHost!.cable("down")
      const during = yield* Effect.flip(ant("actors/ask", counter, "get"))
      assert.match(during.text, /AskTimeout|TransportLost|PeerUnreachable/)
      yield* until(ant<ReadonlyArray<Peer>>("peers/list"), (list) => !connected(list))
      const gone = yield* Effect.flip(ant("actors/ask", counter, "get"))
      assert.include(gone.text, "PeerUnreachable")
      const local = "continuum://local/counter/shared"
      assert.strictEqual((yield* bee<Asked>("actors/ask", local, "get")).reply, 1)

      beeHost!.cable("up")
      yield* until(ant<ReadonlyArray<Peer>>("peers/list"), connected)
      assert.strictEqual((yield* ant<Asked>("actors/ask", counter, "add", "1")).reply, 2)
    }).pipe(Effect.scoped)
  )
})
