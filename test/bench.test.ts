/**
 * The benches keep working: their smoke run passes, wrong results fail them, and their arithmetic is right. No speed is
 * asserted.
 */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { actorsSuite } from "../bench/actors/ActorsSuite.ts"
import { durableSuite } from "../bench/durable/DurableSuite.ts"
import { installSuite } from "../bench/install/InstallSuite.ts"
import * as Inventory from "../bench/install/Inventory.ts"
import { jitSuite } from "../bench/jit/JitSuite.ts"
import * as Results from "../bench/Results.ts"
import * as Runner from "../bench/Runner.ts"
import * as Statistics from "../bench/Statistics.ts"
import { startSuite } from "../bench/start/StartSuite.ts"
import type { Suite } from "../bench/Suite.ts"
import { wasmSuite } from "../bench/wasm/WasmSuite.ts"

const bench = (...args: ReadonlyArray<string>) =>
  spawnSync(join(Runner.root, "node_modules/.bin/bun"), ["bench/run.ts", ...args], {
    cwd: Runner.root,
    encoding: "utf8",
    timeout: 60_000
  })

const suite: Suite = {
  id: "example",
  title: "Example",
  about: "",
  runtimes: ["bun", "node"],
  msMax: 20_000,
  cases: [{ id: "sum", label: "Sum", time: "cpu", unit: "ns" }],
  peers: [
    { id: "ours", label: "Ours", program: "test/wrong.ts" },
    { id: "theirs", label: "Theirs", program: "test/partial.ts", against: "ours" }
  ],
  targets: [
    { text: "Not slower than theirs", peer: "theirs", max: 1 },
    { text: "At most 25 ns", peer: "ours", runtimes: ["node"], max: 25 }
  ]
}

/** Runs of the example in which each repetition found one of the times, in nanoseconds. */
const runsOf = (peer: number, runtime: "bun" | "node", ...times: ReadonlyArray<number>): ReadonlyArray<Runner.Run> =>
  times.map((cpuNs) => ({
    suite,
    runtime,
    peer: suite.peers[peer]!,
    report: { samples: [{ case: "sum", cpuNs, wallNs: 1_000 }] }
  }))

const runs = [
  ...runsOf(0, "bun", 10, 30, 20),
  ...runsOf(1, "bun", 40, 40, 40),
  ...runsOf(0, "node", 30, 30, 30),
  ...runsOf(1, "node", 20, 20, 20)
]

describe("bench", () => {
  it("has a target for every case of every suite, and a peer wherever there is one", () => {
    const suites = [actorsSuite, wasmSuite, jitSuite, durableSuite, startSuite, installSuite]
    for (const { cases, id, peers, targets } of suites) {
      for (const one of cases) {
        const covers = targets.some((target) => target.cases === undefined || target.cases.includes(one.id))
        // A start on a cold home has no target of its own: it makes keys and a database, once.
        if (`${id}.${one.id}` !== "start.cold") assert.isTrue(covers, `${id}.${one.id}`)
      }
      if (id !== "install")
        assert.isTrue(
          peers.some(({ against }) => against !== undefined),
          id
        )
    }
  })

  it("runs the programs of the suites that need nothing but this repository, and all give the right results", () => {
    const { status, stderr, stdout } = bench(
      "--quick",
      "--runtimes",
      "bun",
      "--only",
      "actors,savina,wake,idle,wasm,durable,mailbox,content"
    )
    assert.strictEqual(status, 0, stderr)
    assert.match(stdout, /^\d+ programs gave the right results$/m)
  }, 90_000)

  it("refuses a suite that does not exist and names those that do", () => {
    const { status, stderr } = bench("--only", "actor")
    assert.strictEqual(status, 2)
    assert.match(
      stderr,
      /"actor" is not one of actors, savina, wake, idle, wasm, jit, genome, answer, durable, mailbox, content, session, mesh, start/
    )
  })

  const runPeer = (index: number) =>
    Runner.runAll({
      suites: [
        { ...suite, peers: [suite.peers[index]!], cases: [...suite.cases, { ...suite.cases[0]!, id: "other" }] }
      ],
      runtimes: ["bun"],
      repetitions: 1,
      quick: true,
      say: () => {}
    }).then(
      () => "it passed",
      (error: Error) => error.message
    )

  it("fails when a program computes the wrong thing", async () => {
    assert.match(await runPeer(0), /Ours on Bun ended with 1[^]*The sum is \d+, and should be \d+/)
  })

  it("fails when a program leaves out a case", async () => {
    assert.match(await runPeer(1), /Theirs on Bun did not measure other/)
  })

  it("takes the middle of odd and even numbers of repetitions, whatever their order", () => {
    assert.strictEqual(Statistics.median([30, 10, 20]), 20)
    assert.strictEqual(Statistics.median([40, 10, 20, 30]), 25)
    assert.strictEqual(Statistics.spread([30, 10, 20]), 0.5)
    assert.strictEqual(Statistics.spread([7]), 0)
  })

  it("divides our median by the peer's, on each runtime", () => {
    const [sum] = suite.cases
    assert.strictEqual(Results.ratioOf(runs, "bun", suite.peers[1]!, sum!), 0.5)
    assert.strictEqual(Results.ratioOf(runs, "node", suite.peers[1]!, sum!), 1.5)
    assert.strictEqual(Results.ratioOf(runs, "bun", suite.peers[0]!, sum!), undefined)
  })

  it("holds a target against the worst case that it names", () => {
    const [ratio, time] = suite.targets
    assert.deepStrictEqual(Results.outcomeOf(suite, ratio!, runs), { met: false, worst: 1.5, where: "Sum, Node" })
    assert.deepStrictEqual(Results.outcomeOf(suite, { ...ratio!, runtimes: ["bun"] }, runs), {
      met: true,
      worst: 0.5,
      where: "Sum, Bun"
    })
    assert.deepStrictEqual(Results.outcomeOf(suite, time!, runs), { met: false, worst: 30, where: "Sum, Node" })
    assert.strictEqual(Results.outcomeOf(suite, time!, []), undefined)
  })

  it("writes medians, spreads, ratios and targets as tables", () => {
    const page = Results.sectionOf(suite, runs, "A machine.")
    assert.include(page, "| Sum (ns of CPU) | **Ours** | 20 ± 50 % |  | 30 ± 0 % |  |")
    assert.include(page, "|  | Theirs | 40 ± 0 % | 0.50 | 20 ± 0 % | 1.50 |")
    assert.include(page, "| Not slower than theirs | 1 | 1.5 (Sum, Node) | **missed** |")
  })

  it("keeps the digits of a ratio that is far below one", () => {
    const far = [...runsOf(0, "bun", 1), ...runsOf(1, "bun", 28_900)]
    const page = Results.sectionOf(suite, far, "A machine.")
    assert.include(page, "|  | Theirs | 28,900 ± 0 % | 0.0000346 |")
    assert.include(page, "| Not slower than theirs | 1 | 0.0000346 (Sum, Bun) | met |")
  })

  it("writes room in memory in bytes, and what a suite has to say about each runtime", () => {
    const room: Suite = {
      ...suite,
      cases: [{ id: "sum", label: "Each", time: "room", unit: "B" }],
      targets: [{ text: "At most 600 B", peer: "ours", max: 600 }],
      detailsText: (details) => `found ${String(details)}.`
    }
    const of = (runtime: "bun" | "node", bytes: number, details: string): Runner.Run => ({
      suite: room,
      runtime,
      peer: room.peers[0]!,
      report: { samples: [{ case: "sum", bytes }], details }
    })
    const page = Results.sectionOf(room, [of("bun", 340, "this"), of("node", 601, "that")], "A machine.")
    assert.include(page, "| Each (B) | **Ours** | 340 ± 0 % |  | 601 ± 0 % |  |")
    assert.include(page, "| At most 600 B | 600 | 601 (Each, Node) | **missed** |")
    assert.include(page, "Bun: found this.\n\nNode: found that.")
  })

  it("leaves a peer out where it cannot run", async () => {
    const runOnBun = (peer: Partial<Suite["peers"][number]>) =>
      Runner.runAll({
        suites: [{ ...suite, peers: [{ ...suite.peers[0]!, ...peer }] }],
        runtimes: ["bun"],
        repetitions: 1,
        quick: true,
        say: () => {}
      })
    assert.deepStrictEqual(await runOnBun({ runtimes: ["node"] }), [])
    assert.deepStrictEqual(await runOnBun({ commands: ["no-such-command"] }), [])
    assert.deepStrictEqual(Runner.missingCommands({ ...suite.peers[0]!, commands: ["sh", "no-such-command"] }), [
      "no-such-command"
    ])
  })

  it("replaces the sections that were measured again, and keeps the others in the order of the suites", () => {
    const other: Suite = { ...suite, title: "Other" }
    const sections = [Results.sectionOf(other, runs, "Then."), Results.sectionOf(suite, runs, "Then.")]
    const page = Results.pageOf([suite, other], sections)
    assert.strictEqual(page.match(/Then\./g)!.length, 2)
    const again = Results.pageOf([suite, other], [Results.sectionOf(suite, runs, "Now.")], page)
    assert.strictEqual(again, page.replace("Then.", "Now."))
    assert.isBelow(again.indexOf("Now."), again.indexOf("Then."))
  })

  it("sums up what an install brought by whether it is needed to run", () => {
    const text = Inventory.textOf({
      packages: [
        { name: "bun", bytes: 100e6, needed: true },
        { name: "assemblyscript/node_modules/binaryen", bytes: 90e6, needed: true },
        { name: "typescript", bytes: 30e6, needed: false }
      ],
      sourceMapBytes: 5e6,
      sourceBytes: 0
    })
    assert.include(text, "3 packages, 220 MB; 190 MB of it to run, the rest to develop.")
    assert.include(text, "| packages that only checks and tests need | 30 MB |")
    assert.include(text, "| a second binaryen, of the version that AssemblyScript asks for | 90 MB |")
    assert.notInclude(text, "Redis")
  })
})
