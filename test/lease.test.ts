/** An actor that moves between two real nodes under load, and what is left of it when either is killed. */
import type { ActorSummary } from "@continuum/actors/rpc"
import type { Peer } from "@continuum/core/PeerDirectory"
import * as Testnet from "@continuum/mesh/testing/Testnet"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { join } from "node:path"
import { call, type NodeProcess, start, temporaryFolder } from "./NodeProcess.ts"

const attempt = (node: NodeProcess, tag: string, payload: unknown) =>
  Effect.promise(async () => {
    try {
      return (await call(node, tag, payload)).exit
    } catch {
      // The node died with the call.
      return undefined
    }
  })

const done = <A>(node: NodeProcess, tag: string, payload: unknown) =>
  Effect.map(attempt(node, tag, payload), (exit) => {
    if (exit?._tag !== "Success") throw new Error(`${tag} ${JSON.stringify(payload)}: ${JSON.stringify(exit)}`)
    return exit.value as A
  })

const ours = "continuum://local/counter/ours"
const add = (node: NodeProcess, address: string) =>
  attempt(node, "actors.ask", { address, messageName: "add", payload: 1 })
const get = (node: NodeProcess) =>
  done<number>(node, "actors.ask", { address: ours, messageName: "get", payload: null })
const migrate = (node: NodeProcess, to: string) => done<ActorSummary>(node, "actors.migrate", { address: ours, to })

/** Two nodes that let each other do everything. */
const twoNodes = Effect.gen(function* () {
  const { bootstrap } = yield* Testnet.make()
  const folder = yield* temporaryFolder
  const begin = (name: string) => start(join(folder, name), ["--name", name, "--bootstrap", bootstrap.join(",")])
  const [ant, bee] = yield* Effect.all([begin("ant"), begin("bee")], { concurrency: 2 })
  for (const node of [ant, bee]) {
    while ((yield* done<ReadonlyArray<Peer>>(node, "peers.list", null)).every(({ connected }) => !connected))
      yield* Effect.sleep("50 millis")
  }
  yield* done(ant, "peers.add", { peer: "bee" })
  yield* done(bee, "peers.add", { peer: "ant" })
  return { ant, bee, startAnt: begin("ant") }
})

interface Tally {
  acknowledged: number
  unknown: number
  readonly values: Array<number>
  readonly errors: Set<string>
}

/** Adds 1 again and again until it is told to stop. */
const adding = (node: () => NodeProcess, address: string, tally: Tally, isOver: () => boolean) =>
  Effect.gen(function* () {
    while (!isOver()) {
      const exit = yield* add(node(), address)
      if (exit?._tag === "Success") {
        tally.acknowledged++
        tally.values.push(exit.value)
      } else {
        const error = exit?.cause?.[0]?.error
        tally.errors.add(error?._tag ?? "no answer")
        if (error?._tag !== "LeaseUnavailable" || error.maybeHandled) tally.unknown++
        yield* Effect.sleep("20 millis")
      }
    }
  })

const load = (sources: ReadonlyArray<readonly [() => NodeProcess, string]>) =>
  Effect.gen(function* () {
    const tally: Tally = { acknowledged: 0, unknown: 0, values: [], errors: new Set() }
    let isOver = false
    const fibers = yield* Effect.forEach(sources, ([node, address]) =>
      Effect.forkChild(adding(node, address, tally, () => isOver))
    )
    return {
      tally,
      end: Effect.suspend(() => {
        isOver = true
        return Effect.forEach(fibers, Fiber.join)
      })
    }
  })

/** What was acknowledged is counted once; what nobody knows of, at most once. */
const isCounted = (tally: Tally, count: number) => {
  assert.strictEqual(new Set(tally.values).size, tally.values.length, "two asks got the same count")
  assert.isAtLeast(count, tally.acknowledged)
  assert.isAtMost(count, tally.acknowledged + tally.unknown)
}

describe("a counter of one node", () => {
  it.live("moves to another and back under load from both, and no message is lost or counted twice", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* twoNodes
      const here = () => ant
      const { end, tally } = yield* load([
        [here, ours],
        [here, ours],
        [() => bee, "continuum://ant/counter/ours"]
      ])
      for (const to of ["bee", "local", "bee"]) {
        yield* Effect.sleep("300 millis")
        assert.strictEqual((yield* migrate(ant, to)).node, to === "local" ? "ant" : to)
      }
      yield* Effect.sleep("300 millis")
      yield* end
      assert.deepStrictEqual([...tally.errors], [])
      assert.strictEqual(yield* get(ant), tally.acknowledged)
      isCounted(tally, tally.acknowledged)
      assert.isAbove(tally.acknowledged, 30)
      const [listed] = yield* done<ReadonlyArray<ActorSummary>>(ant, "actors.list", { kind: "counter" })
      assert.deepInclude(listed, { address: ours, node: "bee" })
      const [guest] = yield* done<ReadonlyArray<ActorSummary>>(bee, "actors.list", { kind: "counter" })
      assert.match(guest!.address, /^continuum:\/\/[a-z0-9]{52}\/counter\/ours$/)
      // A host that stops in order gives it back at once.
      yield* done(bee, "node.down", null)
      yield* bee.ended
      assert.strictEqual(yield* get(ant), tally.acknowledged)
    }).pipe(Effect.scoped)
  )

  it.live("comes home when its host is killed, with all that was acknowledged", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* twoNodes
      const { end, tally } = yield* load([[() => ant, ours]])
      yield* Effect.sleep("300 millis")
      yield* migrate(ant, "bee")
      yield* Effect.sleep("300 millis")
      bee.child.kill("SIGKILL")
      // What was on its way when it died may still be acknowledged; after the first error nothing is until the lease has ended.
      while (!tally.errors.has("LeaseUnavailable")) yield* Effect.sleep("20 millis")
      const before = tally.acknowledged
      while (tally.acknowledged === before) yield* Effect.sleep("100 millis")
      yield* end
      isCounted(tally, yield* get(ant))
      const [listed] = yield* done<ReadonlyArray<ActorSummary>>(ant, "actors.list", { kind: "counter" })
      assert.strictEqual(listed!.node, "ant")
    }).pipe(Effect.scoped)
  )

  it.live("is where it was when its home is killed and started again, and nothing acknowledged is lost", () =>
    Effect.gen(function* () {
      const { ant, bee, startAnt } = yield* twoNodes
      let home = ant
      const { end, tally } = yield* load([[() => home, ours]])
      yield* Effect.sleep("300 millis")
      yield* migrate(ant, "bee")
      yield* Effect.sleep("300 millis")
      ant.child.kill("SIGKILL")
      yield* ant.ended
      home = yield* startAnt
      const before = tally.acknowledged
      while (tally.acknowledged < before + 5) yield* Effect.sleep("100 millis")
      yield* end
      isCounted(tally, yield* get(home))
      yield* migrate(home, "local")
      isCounted(tally, yield* get(home))
      assert.deepStrictEqual(yield* done(bee, "actors.list", { kind: "counter" }), [])
    }).pipe(Effect.scoped)
  )
})
