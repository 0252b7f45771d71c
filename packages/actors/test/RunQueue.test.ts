import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Limits from "../src/Limits.ts"
import { type Drain, type Runnable, RunQueue, turnMessages } from "../src/RunQueue.ts"

/** A drain that runs when it is told to, and counts how often the host had its share. */
const manual = () => {
  const soon: Array<() => void> = []
  const later: Array<() => void> = []
  const drain: Drain = { direct: true, soon: (task) => soon.push(task), later: (task) => later.push(task) }
  let hostTurns = 0
  const runAll = () => {
    while (soon.length > 0 || later.length > 0) {
      const task = soon.shift()
      if (task !== undefined) task()
      else {
        hostTurns++
        later.shift()!()
      }
    }
  }
  return { drain, runAll, hostTurns: () => hostTurns }
}

/** Something with a number of messages and a turn of a certain length. */
class Worker implements Runnable {
  left: number
  readonly turnLength: number
  readonly log: Array<Worker>
  constructor(left: number, turnLength: number, log: Array<Worker>) {
    this.left = left
    this.turnLength = turnLength
    this.log = log
  }
  turn() {
    const handled = Math.min(this.left, this.turnLength)
    this.left -= handled
    this.log.push(this)
    return handled
  }
  get ready() {
    return this.left > 0
  }
}

describe("the run queue", () => {
  it("serves every ready actor once before any of them twice, whatever they have to do", () => {
    const workers = fc.array(
      fc.record({ left: fc.integer({ min: 1, max: 500 }), turn: fc.integer({ min: 1, max: 250 }) }),
      {
        minLength: 1,
        maxLength: 200
      }
    )
    fc.assert(
      fc.property(workers, (specs) => {
        const { drain, runAll } = manual()
        const queue = new RunQueue(drain, () => 0)
        const log: Array<Worker> = []
        const all = specs.map(({ left, turn }) => new Worker(left, turn, log))
        for (const worker of all) queue.push(worker)
        runAll()
        expect(all.every(({ left }) => left === 0)).toBe(true)
        // Between two turns of one, every other that was ready has had exactly one.
        let round = all
        let at = 0
        while (round.length > 0) {
          expect(log.slice(at, at + round.length)).toEqual(round)
          at += round.length
          const turnsOf = (worker: Worker) => log.slice(0, at).filter((other) => other === worker).length
          round = round.filter((worker) => {
            const spec = specs[all.indexOf(worker)]!
            return turnsOf(worker) * spec.turn < spec.left
          })
        }
        expect(at).toBe(log.length)
      }),
      { numRuns: 50 }
    )
  })

  it("gives the host its share after so many messages", () => {
    const { drain, hostTurns, runAll } = manual()
    const queue = new RunQueue(drain, () => 0)
    queue.push(new Worker(Limits.hostTurnMessages * 3, 16, []))
    runAll()
    expect(hostTurns()).toBe(2)
  })

  it("gives the host its share after so many milliseconds, however few the messages", () => {
    const { drain, hostTurns, runAll } = manual()
    let now = 0
    const queue = new RunQueue(drain, () => now)
    const slow: Runnable = {
      turn: () => {
        now += 1
        return 1
      },
      get ready() {
        return now < 100
      }
    }
    queue.push(slow)
    runAll()
    // A look at the clock every 16 messages of 1 ms, each of which finds that 8 ms are over.
    expect(hostTurns()).toBe(Math.floor(99 / Limits.clockEveryMessages))
  })

  it("counts messages that are handled directly", () => {
    const queue = new RunQueue(manual().drain, () => 0)
    let direct = 0
    while (queue.enterDirect()) {
      queue.leaveDirect()
      direct++
    }
    expect(direct).toBe(Limits.hostTurnMessages - 1)
  })

  it("lets nothing be handled directly while something waits for its turn", () => {
    const { drain, runAll } = manual()
    const queue = new RunQueue(drain, () => 0)
    const log: Array<Worker> = []
    queue.push(new Worker(1, 1, log))
    expect(queue.enterDirect()).toBe(false)
    runAll()
    expect(log).toHaveLength(1)
    expect(queue.enterDirect()).toBe(true)
  })

  it("bounds how deep direct handling nests", () => {
    const queue = new RunQueue(manual().drain, () => 0)
    let depth = 0
    while (queue.enterDirect()) depth++
    expect(depth).toBe(Limits.directDepthMax)
  })

  it("gives an actor longer turns the higher its priority, and never none", () => {
    expect([0, 32, 64, 96, 128, 160, 192, 224, 255].map(turnMessages)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 250])
    for (let priority = 1; priority < 256; priority++) {
      expect(turnMessages(priority)).toBeGreaterThanOrEqual(turnMessages(priority - 1))
    }
  })
})
