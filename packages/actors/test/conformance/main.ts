/**
 * What actors must do alike on Bun, Deno and Node: the reply rule, one message at a time, supervision, cycles, services, the
 * same here as on another node, turns by priority, the ThoughtStream, simulations that replay, the laws of the storage,
 * recovery from damage by the checking process, durable mailboxes, and SIGKILL.
 */
import { actor, emit, fromRpcs, reply } from "@continuum/actors/Actor"
import type { ActorStorage } from "@continuum/actors/ActorStorage"
import * as Backups from "@continuum/actors/ActorStorageBackupsDisk"
import * as ActorStorageLmdb from "@continuum/actors/ActorStorageLmdb"
import * as ActorStorageMemory from "@continuum/actors/ActorStorageMemory"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { weightOf } from "@continuum/actors/RunQueue"
import { svg } from "@continuum/actors/RunTrace"
import { service } from "@continuum/actors/Service"
import { laws } from "@continuum/actors/testing/ActorStorageLaws"
import { register, scenarios } from "@continuum/actors/testing/RouterScenarios"
import * as Simulation from "@continuum/actors/testing/Simulation"
import { ThoughtStream } from "@continuum/actors/thoughtstream/ThoughtStream"
import type { Delivery } from "@continuum/core/Delivery"
import { Context, Effect, Layer, References, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as process from "node:process"
import { check, report } from "../../../core/test/Conformance.ts"
import { countUntilKilled } from "../kill/Counting.ts"
import { killAgainAndAgain } from "../kill/Rounds.ts"
import * as DeliveryPair from "../support/DeliveryPair.ts"

// This program is also the process that it kills.
const childFlag = "--count-until-killed"
if (process.argv.includes(childFlag)) await countUntilKilled(process.argv.slice(-3))

const equal = (actual: unknown, expected: unknown) => {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (found !== wanted) throw new Error(`expected ${wanted}, found ${found}`)
}
const tagOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "replied",
    (error: { readonly _tag?: string }) => error._tag
  )
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const dirs: Array<string> = []
const temporaryDir = () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "actors-conformance-"))
  dirs.push(dir)
  return dir
}

// ---------------------------------------------------------------- actors

class Rpcs extends RpcGroup.make(
  Rpc.make("set", { payload: { at: Schema.Date }, success: Schema.Date }),
  Rpc.make("fail", { success: Schema.Date, error: Schema.String })
) {}
const Dated = fromRpcs("dated", Rpcs, {
  state: { schema: Schema.Date, initial: new Date(0) },
  handlers: { set: (_, { at }) => at, fail: () => Effect.fail("no") }
})

const log: Array<string> = []
const Counter = actor("counter", {
  state: 0,
  add: (state, n: number) => state + n,
  get: (state) => state,
  describe: (state) => reply(state, `at ${state}`),
  later: async (state, n: number) => {
    log.push(`begin ${n}`)
    await pause(2)
    log.push(`end ${n}`)
    return state + n
  },
  effect: (state, n: number) => (n < 0 ? Effect.fail("negative" as const) : Effect.delay(Effect.succeed(state + n), 2)),
  boom: (): number => {
    throw new Error("boom")
  }
})
const Selfish = actor("selfish", {
  state: 0,
  ask: async (state, _: void, context) => {
    const self = context.ref(SelfishRef, context.name)
    return reply(state, await self.ask().catch((error: { readonly _tag: string }) => error._tag))
  }
})
const SelfishRef = Selfish as never as ReturnType<typeof actor<"selfish", number, { ask: (state: number) => number }>>

await check("replies are the new state, what reply() says, or what an Effect or a Promise ends with", async () => {
  const system = await ActorSystem.start()
  const counter = system.ref(Counter, "c")
  equal(
    [await counter.add(2), await counter.describe(), await counter.effect(3), await counter.later(4)],
    [2, "at 2", 5, 9]
  )
  equal(await counter.effect(-1).catch((error: unknown) => error), "negative")
  equal(await counter.get(), 9)
  await system.stop()
})

await check("one message at a time, in order, also across awaits", async () => {
  log.length = 0
  const system = await ActorSystem.start()
  const counter = system.ref(Counter, "c")
  await Promise.all([1, 2, 3].map((n) => counter.later(n)))
  equal(log, ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"])
  await system.stop()
})

await check("a crash fails the asker and restarts the actor; an expected failure does neither", async () => {
  const system = await ActorSystem.start()
  const counter = system.ref(Counter, "c")
  await counter.add(1)
  equal(await tagOf(counter.boom()), "ActorFailed")
  equal([await counter.get(), (await system.inspect(counter.address)).restarts], [0, 1])
  await system.stop()
})

await check("an actor that asks itself gets AskCycle", async () => {
  const system = await ActorSystem.start()
  equal(await system.ref(SelfishRef, "s").ask(), "AskCycle")
  await system.stop()
})

await check("payloads and replies by name are decoded and encoded", async () => {
  const system = await ActorSystem.start()
  system.ref(Dated, "d")
  const at = "2026-01-02T03:04:05.000Z"
  const address = "continuum://local/dated/d"
  equal(await system.askUnknown(address, "set", { at }), at)
  equal(await tagOf(system.askUnknown(address, "set", { at: 1 })), "PayloadMalformed")
  equal(await tagOf(system.askUnknown(address, "fail", null)), "HandlerFailed")
  equal(await tagOf(system.askUnknown(address, "nothing", null)), "MessageUnknown")
  equal(await tagOf(system.askUnknown("continuum://local/date/d", "set", null)), "AddressUnknown")
  await system.stop()
})

await check("a hundred thousand tells are handled in order", async () => {
  const Sum = actor(
    "sum",
    {
      state: { last: -1, ok: true },
      next: (state, n: number) => ({ last: n, ok: state.ok && n === state.last + 1 }),
      get: (state) => state
    },
    { mailboxCapacity: 200_000 }
  )
  const system = await ActorSystem.start()
  const sum = system.ref(Sum, "s")
  for (let n = 0; n < 100_000; n++) sum.tell.next(n)
  equal(await sum.get(), { last: 99_999, ok: true })
  await system.stop()
})

await check("a service that fails is restarted", async () => {
  const system = await ActorSystem.start()
  let runs = 0
  system.run(
    service(
      "failing",
      Effect.suspend(() => Effect.fail(++runs)),
      { supervision: { backoffMin: 1, jitter: 0 } }
    )
  )
  while (runs < 3) await pause(5)
  await system.stop()
  const seen = runs
  await pause(50)
  equal(runs, seen)
})

// ---------------------------------------------------------------- turns

await check("busy actors share the thread by their weights, and a better one does not wait for them", async () => {
  const system = await ActorSystem.start()
  const priorities = [96, 128, 160]
  const steps = priorities.map(() => 0)
  let left = 300_000
  const runs = priorities.map((priority, index) => {
    const step = () => {
      left--
      steps[index] = steps[index]! + 1
    }
    const loop = Effect.whileLoop({ while: () => left > 0, body: () => Effect.void, step })
    const Busy = actor(`busy${index}`, { state: 0, run: (state) => Effect.as(loop, state) }, { priority })
    return system.ref(Busy, "one").run()
  })
  await system.ref(actor("urgent", { state: 0, ask: (state) => state }, { priority: 255 }), "one").ask()
  equal(left > 0, true)
  await Promise.all(runs)
  const total = priorities.reduce((sum, priority) => sum + weightOf(priority), 0)
  for (const [index, priority] of priorities.entries()) {
    equal(Math.abs(steps[index]! / 300_000 - weightOf(priority) / total) < 0.05, true)
  }
  await system.stop()
})

await check("the best of three bids has the turn, and the next best when it dies", async () => {
  const bid = (digit: number, confidence: number) => ({
    personaId: `00000000-0000-4000-8000-00000000000${digit}`,
    priority: 128,
    confidence,
    latencyMs: 1_000,
    costTokens: 500,
    state: "ready" as const
  })
  const processes = [bid(1, 0.3), bid(2, 0.4), bid(3, 0.9)]
  const invited = processes.map(({ personaId }) => personaId)
  const answers = await Effect.gen(function* () {
    const stream = yield* ThoughtStream
    const speak = (process: (typeof processes)[number]) =>
      stream.withTurn(
        { process, turnId: "chat", invited },
        process.confidence === 0.9 ? Effect.die(new Error("dead")) : Effect.succeed(process.confidence)
      )
    return yield* Effect.all(
      processes.map((process) =>
        Effect.match(Effect.sandbox(speak(process)), { onFailure: () => "died", onSuccess: String })
      ),
      { concurrency: "unbounded" }
    )
  }).pipe(Effect.provide(Layer.provide(ThoughtStream.layer(), ActorSystem.layerWithoutStorage())), Effect.runPromise)
  equal(answers, ["undefined", "0.4", "died"])
})

await check("a simulation with crashes replays from its seed", async () => {
  const program = (world: Simulation.World) =>
    Effect.gen(function* () {
      const node = yield* world.start("n")
      node.crashAfter(1 + world.below(60))
      for (let i = 0; i < 5; i++) {
        const exit = yield* Effect.exit(node.run(Effect.suspend(() => node.system.ref(Counter, "c").add(1))))
        world.note(exit._tag)
      }
    })
  const traces = new Set<string>()
  for (let seed = 1; seed <= 10; seed++) {
    const { trace } = await Simulation.run({ seed }, program)
    equal((await Simulation.run({ seed }, program)).trace, trace)
    traces.add(trace)
  }
  equal(traces.size > 5, true)
})

// ---------------------------------------------------------------- storage

for (const law of laws) {
  await check(`memory: ${law.name}`, () => Effect.runPromise(Effect.provide(law.check, ActorStorageMemory.layer)))
  await check(`LMDB: ${law.name}`, () =>
    Effect.runPromise(Effect.provide(law.check, ActorStorageLmdb.layer({ dir: temporaryDir(), backupOnStop: false })))
  )
}

await check("a directory is for one system at a time and keeps its states", async () => {
  const dir = temporaryDir()
  const first = await ActorSystem.start({ dir })
  equal(await first.ref(Counter, "c").add(41), 41)
  equal(await tagOf(ActorSystem.start({ dir })), "StorageInUse")
  await first.stop()
  const second = await ActorSystem.start({ dir })
  equal(await second.ref(Counter, "c").add(1), 42)
  await second.stop()
})

await check("a damaged database is found by the checking process and replaced by its backup", async () => {
  const dir = temporaryDir()
  const options = { dir }
  const quiet = Effect.provideService(References.MinimumLogLevel, "None")
  const state = new Uint8Array(300).fill(7)
  const addresses = Array.from({ length: 100 }, (_, i) => `continuum://local/counter/a${i}`)
  await Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(ActorStorageLmdb.make(options), (storage) =>
        Effect.flatten(storage.commit(addresses.map((address) => ({ address, state }))))
      )
    )
  )
  const file = fs.readFileSync(path.join(dir, "actors.mdb"))
  for (let at = 2 * 4_096; at < file.length; at += 4_096) file.fill(0x5a, at, at + 64)
  fs.writeFileSync(path.join(dir, "actors.mdb"), file)
  const [losses, loaded] = await Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(ActorStorageLmdb.make({ ...options, backupOnStop: false }), (storage) =>
        Effect.all([Effect.succeed(storage.openReport.losses), storage.load(addresses[50]!)])
      )
    ).pipe(quiet)
  )
  equal(losses.length, 1)
  equal(losses[0]!.includes("took its place"), true)
  equal(Array.from(loaded ?? []), Array.from(state))
})

await check("stored states are backed up, compacted in use, and restored", async () => {
  const [dir, backups] = [temporaryDir(), temporaryDir()]
  const state = new Uint8Array(50_000).fill(7)
  const address = (i: number) => `continuum://local/counter/a${i}`
  const using = <A>(use: (storage: ActorStorage["Service"]) => Effect.Effect<A, unknown>) =>
    Effect.runPromise(Effect.scoped(Effect.flatMap(ActorStorageLmdb.make({ dir, backupOnStop: false }), use)))
  const copy = await using((storage) =>
    Effect.gen(function* () {
      yield* Effect.flatten(storage.commit(Array.from({ length: 40 }, (_, i) => ({ address: address(i), state }))))
      const made = yield* storage.maintenance!.backup(backups)
      const removed = Array.from({ length: 39 }, (_, i) => ({ address: address(i), state: undefined }))
      yield* Effect.flatten(storage.commit(removed))
      const { bytesAfter, bytesBefore } = yield* storage.maintenance!.compact
      equal(bytesAfter < bytesBefore / 4, true)
      yield* Effect.flatten(storage.commit([{ address: address(1), state }]))
      equal((yield* storage.list("", 100)).length, 2)
      return made
    })
  )
  equal((await using((storage) => storage.list("", 100))).length, 2)
  equal((await Effect.runPromise(Backups.restore(dir, copy.path))).records, 40)
  equal((await using((storage) => storage.list("", 100))).length, 40)
})

await check("SIGKILL in the middle of a commit loses no acknowledged write of states and events", async () => {
  const runtime = "Deno" in globalThis ? [process.execPath, "run", "-A"] : [process.execPath]
  const { writes } = await killAgainAndAgain([...runtime, process.argv[1]!, childFlag], 3, 3)
  equal(writes >= 100, true)
})

await check("a durable mailbox keeps what was told, and knows a message that comes again, over a restart", async () => {
  const dir = temporaryDir()
  const Ledger = actor("ledger", { state: 0, add: (state, n: number) => state + n }, { mailbox: "durable" })
  const Payer = actor("payer", {
    state: 0,
    pay: (state, n: number, context) => {
      context.ref(Ledger, "l").tell.add(n)
      return state + n
    }
  })
  const id = { stream: "client", sequence: 0 }
  const first = await ActorSystem.start({ dir })
  for (const n of [1, 2, 3]) await first.ref(Payer, "p").pay(n)
  equal(await first.ref(Ledger, "l", { id }).add(10), 16)
  await first.system.stop("continuum://local/ledger/l").pipe(Effect.runPromise)
  await Effect.runPromise(first.system.ref(Ledger, "l").tell.add(20))
  await first.stop()
  const second = await ActorSystem.start({ dir })
  equal(await second.ref(Ledger, "l").add(0), 36)
  equal(await second.ref(Ledger, "l", { id }).add(10), 16)
  equal(await second.ref(Payer, "p").pay(0), 6)
  await second.stop()
})

for (const { expected, name, see } of scenarios) {
  await check(`by its address, here and on another node: ${name}`, async () => {
    const [ant, bee] = DeliveryPair.make()
    const systemOn = (delivery: Delivery["Service"]) =>
      Effect.gen(function* () {
        const layer = Layer.provide(ActorSystem.layer({ delivery, stopTimeout: 50 }), ActorStorageMemory.layer)
        const system = Context.get(yield* Layer.build(layer), ActorSystem)
        yield* Effect.provideService(register, ActorSystem, system)
        return system
      })
    const compared = Effect.gen(function* () {
      const [here] = [yield* systemOn(ant.delivery), yield* systemOn(bee.delivery)]
      for (const [realm, back] of [
        ["local", "local"],
        [bee.realm, ant.realm]
      ] as const) {
        equal(yield* Effect.provideService(see({ realm, back, run: realm }), ActorSystem, here), expected)
      }
    })
    await Effect.runPromise(Effect.provideService(Effect.scoped(compared), References.MinimumLogLevel, "None"))
  })
}

await check("a durable actor moves to another node and back, with its state and what waits", async () => {
  const [ant, bee] = DeliveryPair.make()
  const options = { stopTimeout: 500 }
  const here = await ActorSystem.start({ ...options, dir: temporaryDir(), delivery: ant.delivery })
  const there = await ActorSystem.start({ ...options, dir: temporaryDir(), delivery: bee.delivery })
  await Effect.runPromise(there.system.register(Counter))
  const counter = here.ref(Counter, "moving")
  equal(await counter.add(1), 1)
  for (const to of ["bee", "local", "bee"]) {
    const moved = here.migrate("continuum://local/counter/moving", to)
    for (let i = 0; i < 10; i++) counter.tell.add(1)
    await moved
  }
  equal(await counter.get(), 31)
  equal((await there.list("counter")).length, 1)
  await there.stop()
  equal(await counter.add(1), 32)
  await here.stop()
})

await check(
  "an actor made of events moves to another node and back, and its events are in one row at home",
  async () => {
    const [ant, bee] = DeliveryPair.make()
    const Log = actor(
      "log",
      {
        state: [] as ReadonlyArray<number>,
        add: (_, n: number) => emit(n, (log: ReadonlyArray<number>) => log.length),
        get: (log) => reply(log, log)
      },
      { journal: { apply: (log: ReadonlyArray<number>, n: number) => [...log, n], snapshotEvery: 5, keep: 100 } }
    )
    const here = await ActorSystem.start({ dir: temporaryDir(), delivery: ant.delivery })
    const there = await ActorSystem.start({ dir: temporaryDir(), delivery: bee.delivery })
    await Effect.runPromise(there.system.register(Log))
    const log = here.ref(Log, "l")
    let length = 0
    for (const to of ["bee", "local", "bee"]) {
      for (let i = 0; i < 4; i++) equal(await log.add(length), ++length)
      await here.migrate("continuum://local/log/l", to)
    }
    const numbers = Array.from({ length }, (_, n) => n)
    equal(await log.get(), numbers)
    const events = await Effect.runPromise(Stream.runCollect(here.system.journal("continuum://local/log/l")))
    equal(
      events.map(({ event, sequence }) => [sequence, event]),
      numbers.map((n) => [n + 1, n])
    )
    await there.stop()
    equal(await log.add(length), length + 1)
    await here.stop()
  }
)

await check("turns are recorded, and the ones who wait are known with their bound", async () => {
  const system = await ActorSystem.start()
  const { scheduler } = system.system
  const recording = Effect.runPromise(scheduler.record("50 millis"))
  for (const name of ["a", "b"]) system.ref(Counter, name).tell.add(1)
  const waiting = scheduler.queue().ready
  equal(
    waiting.map(({ address }) => address),
    ["a", "b"].map((name) => `continuum://local/counter/${name}`)
  )
  equal(
    waiting.every(({ waitBound }) => waitBound > 0),
    true
  )
  const { turns } = await recording
  equal(new Set(turns.map(({ address }) => address)).size, 2)
  equal(svg(turns).endsWith("</svg>"), true)
  await system.stop()
})

for (const dir of dirs) fs.rmSync(dir, { recursive: true, force: true })
report()
