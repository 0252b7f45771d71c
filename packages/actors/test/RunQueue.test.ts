import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Limits from "../src/Limits.ts"
import { type Drain, type Runnable, RunQueue, waitBound, weightOf } from "../src/RunQueue.ts"

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
  readonly priority: number
  constructor(left: number, turnLength: number, log: Array<Worker>, priority = 128) {
    this.left = left
    this.turnLength = turnLength
    this.log = log
    this.priority = priority
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

const someone: Runnable = { priority: 128, turn: () => 1, ready: false }

describe("the run queue", () => {
  it("goes on after a burst whose ring it gave back", () => {
    const { drain, runAll } = manual()
    const queue = new RunQueue(drain, () => 0)
    const log: Array<Worker> = []
    // Each number leaves the ring's head somewhere else.
    for (const count of [1_025, 1_500, 5_000, 2_049]) {
      const workers = Array.from({ length: count }, () => new Worker(1, 1, log))
      for (const worker of workers) queue.push(worker)
      runAll()
      expect(log.splice(0)).toEqual(workers)
      const next = new Worker(2, 1, log)
      queue.push(next)
      runAll()
      expect(log.splice(0)).toEqual([next, next])
    }
  })

  it("serves every ready actor of one priority once before any of them twice, whatever they have to do", () => {
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

  it("serves those that come after a crowd, whose room it gave back", () => {
    for (const crowd of [1_023, 1_024, 1_025, 1_500, 2_048, 5_000]) {
      const { drain, runAll } = manual()
      const queue = new RunQueue(drain, () => 0)
      const log: Array<Worker> = []
      for (let i = 0; i < crowd; i++) queue.push(new Worker(1, 1, log))
      runAll()
      for (let i = 0; i < 3; i++) queue.push(new Worker(1, 1, log))
      runAll()
      expect(log).toHaveLength(crowd + 3)
    }
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
      priority: 128,
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
    while (queue.enterDirect(someone)) {
      queue.leaveDirect()
      direct++
    }
    expect(direct).toBe(Limits.hostTurnMessages - 1)
  })

  it("does what comes after turns when all that are ready had theirs, also those that first make way for the host", () => {
    const { drain, runAll } = manual()
    let nowMs = 0
    const queue = new RunQueue(drain, () => nowMs)
    // The queue was idle for long, so that the host is due as soon as the clock is looked at.
    nowMs = Limits.hostTurnMs * 10
    const log: Array<Worker> = []
    const asked = new Worker(0, 1, log)
    let direct = 0
    while (queue.enterDirect(asked)) {
      queue.leaveDirect()
      direct++
    }
    expect(direct).toBeLessThan(Limits.hostTurnMessages)
    let turnsBefore: number | undefined
    queue.afterTurns(() => (turnsBefore = log.length))
    for (let i = 0; i < 40; i++) queue.push(new Worker(1, 1, log))
    runAll()
    expect(turnsBefore).toBe(40)
  })

  it("does it before the host's next share when they are never done", () => {
    const { drain, hostTurns, runAll } = manual()
    const queue = new RunQueue(drain, () => 0)
    let sharesBefore: number | undefined
    queue.afterTurns(() => (sharesBefore = hostTurns()))
    queue.push(new Worker(Limits.hostTurnMessages * 5, 16, []))
    runAll()
    expect(sharesBefore).toBe(0)
    expect(hostTurns()).toBeGreaterThan(1)
  })

  it("lets nothing be handled directly while something waits for its turn", () => {
    const { drain, runAll } = manual()
    const queue = new RunQueue(drain, () => 0)
    const log: Array<Worker> = []
    queue.push(new Worker(1, 1, log))
    expect(queue.enterDirect(someone)).toBe(false)
    runAll()
    expect(log).toHaveLength(1)
    expect(queue.enterDirect(someone)).toBe(true)
  })

  it("bounds how deep direct handling nests", () => {
    const queue = new RunQueue(manual().drain, () => 0)
    let depth = 0
    while (queue.enterDirect(someone)) depth++
    expect(depth).toBe(Limits.directDepthMax)
  })

  it("weighs priority 128 as one, and doubles the weight every 32 above it", () => {
    expect([0, 96, 128, 160, 224].map(weightOf)).toEqual([1 / 16, 1 / 2, 1, 2, 8])
    for (let priority = 1; priority < 256; priority++) {
      expect(weightOf(priority)).toBeGreaterThan(weightOf(priority - 1))
    }
  })

  it("shares the thread among actors that are always busy by their weights", () => {
    const priorities = fc.uniqueArray(fc.integer({ min: 64, max: 255 }), { minLength: 2, maxLength: 5 })
    fc.assert(
      fc.property(priorities, (priorities) => {
        const { drain, runAll } = manual()
        const queue = new RunQueue(drain, () => 0)
        const turns = 4_000
        const log: Array<Worker> = []
        const all = priorities.map((priority) => new Worker(Number.POSITIVE_INFINITY, 16, log, priority))
        for (const worker of all) queue.push(worker)
        // Ends when the log is full.
        for (const worker of all) {
          Object.defineProperty(worker, "ready", { get: () => log.length < turns })
        }
        runAll()
        const total = priorities.reduce((sum, priority) => sum + weightOf(priority), 0)
        for (const worker of all) {
          const share = log.filter((other) => other === worker).length / log.length
          // No more than a turn or two away from theory.
          expect(Math.abs(share - weightOf(worker.priority) / total)).toBeLessThan((2.5 / turns) * all.length)
        }
      }),
      { numRuns: 50 }
    )
  })

  it("serves the better one first when both have just become ready", () => {
    const { drain, runAll } = manual()
    const queue = new RunQueue(drain, () => 0)
    const log: Array<Worker> = []
    const [low, normal, high] = [64, 128, 200].map((priority) => new Worker(1, 16, log, priority))
    queue.push(low!)
    queue.push(normal!)
    queue.push(high!)
    runAll()
    expect(log).toEqual([high, normal, low])
  })

  it("ends the turn of one of lower priority when a better one wakes, and goes on with it before others of its own", () => {
    const { drain, runAll } = manual()
    const queue = new RunQueue(drain, () => 0)
    const log: Array<string> = []
    const high: Runnable = { priority: 200, turn: () => (log.push("high"), 1), ready: false }
    let left = 3
    const allowed: Array<number> = []
    const low: Runnable = {
      priority: 100,
      turn: () => {
        allowed.push(queue.turnMessages)
        log.push("low")
        if (left-- === 3) {
          expect(queue.turnOver).toBe(false)
          queue.push(high)
          expect(queue.turnOver).toBe(true)
        } else expect(queue.turnOver).toBe(false)
        return 1
      },
      get ready() {
        return left > 0
      }
    }
    const same: Runnable = { priority: 100, turn: () => (log.push("same"), 1), ready: false }
    queue.push(low)
    queue.push(same)
    runAll()
    expect(log).toEqual(["low", "high", "low", "same", "low"])
    // The rest of the turn was no longer than what was left of it.
    expect(allowed).toEqual([16, 15, 16])
  })

  it("lets no equal and no worse one end a turn", () => {
    for (const priority of [100, 50]) {
      const { drain, runAll } = manual()
      const queue = new RunQueue(drain, () => 0)
      let isOver: boolean | undefined
      queue.push({
        priority: 100,
        turn: () => {
          queue.push({ ...someone, priority })
          isOver = queue.turnOver
          return 1
        },
        ready: false
      })
      runAll()
      expect(isOver).toBe(false)
    }
  })

  it("ends a turn that is charged with more work than it may do", () => {
    const { drain, runAll } = manual()
    const queue = new RunQueue(drain, () => 0)
    const seen: Array<boolean> = []
    queue.push({
      priority: 128,
      turn: () => {
        queue.charge(Limits.turnMessages - 1)
        seen.push(queue.turnOver)
        queue.charge(1)
        seen.push(queue.turnOver)
        return 1
      },
      ready: false
    })
    queue.push({ priority: 128, turn: () => (seen.push(queue.turnOver), 1), ready: false })
    runAll()
    expect(seen).toEqual([false, true, false])
  })
})

describe("waiting for a turn", () => {
  /** An actor that works in bursts: turns of `cost` messages, `turns` of them, then it sleeps until `wakesAfter` more work is done. */
  interface Burst {
    readonly priority: number
    readonly cost: number
    readonly turns: number
    readonly wakesAfter: number
  }
  const burst = fc.record({
    priority: fc.integer({ min: 0, max: 255 }),
    cost: fc.integer({ min: 1, max: Limits.turnMessages }),
    turns: fc.integer({ min: 1, max: 40 }),
    wakesAfter: fc.integer({ min: 0, max: 300 })
  })

  /** Runs the bursts until so much work is done, and gives each wait as a part of its bound. */
  const waitsOf = (bursts: ReadonlyArray<Burst>, workMax: number): ReadonlyArray<number> => {
    const { drain, runAll } = manual()
    const queue = new RunQueue(drain, () => 0)
    const parts: Array<number> = []
    let work = 0
    const actors = bursts.map((spec, index) => {
      const others = bursts.filter((_, other) => other !== index).map(({ priority }) => priority)
      const bound = waitBound(spec.priority, others)
      const actor = {
        priority: spec.priority,
        left: spec.turns,
        readySince: 0,
        wakesAt: Number.POSITIVE_INFINITY,
        turn: () => {
          parts.push((work - actor.readySince) / bound)
          const cost = Math.min(spec.cost, queue.turnMessages)
          work += cost
          actor.left--
          actor.readySince = work
          if (!actor.ready) {
            actor.left = spec.turns
            actor.wakesAt = work + spec.wakesAfter
            isAwake.delete(actor)
          }
          for (const other of actors) {
            if (isAwake.has(other) || work < other.wakesAt || work >= workMax) continue
            isAwake.add(other)
            other.readySince = work
            // One that wakes itself is put back by the queue.
            if (other !== actor) queue.push(other)
          }
          return cost
        },
        get ready(): boolean {
          return work < workMax && isAwake.has(actor) && actor.left > 0
        }
      }
      return actor
    })
    const isAwake = new Set<(typeof actors)[number]>(actors)
    for (const actor of actors) queue.push(actor)
    runAll()
    return parts
  }

  it("never takes longer than its bound, for actors that come and go", () => {
    fc.assert(
      fc.property(fc.array(burst, { minLength: 2, maxLength: 12 }), (bursts) => {
        for (const part of waitsOf(bursts, 10_000)) expect(part).toBeLessThanOrEqual(1)
      }),
      { numRuns: 200 }
    )
  })

  it("is not prolonged by one that is cut short again and again before its turn is over", () => {
    const brief = { cost: 1, turns: 1, wakesAfter: 0 }
    const parts = waitsOf(
      [
        { ...brief, priority: 0 },
        { ...brief, priority: 0 },
        { ...brief, priority: 1, wakesAfter: 1 }
      ],
      10_000
    )
    expect(Math.max(...parts)).toBeLessThanOrEqual(1)
  })

  it("is not prolonged by ever new ones of the highest priority", () => {
    const { drain, runAll } = manual()
    const queue = new RunQueue(drain, () => 0)
    const workMax = 50_000
    let work = 0
    let waited: number | undefined
    const newcomer = (): Runnable => ({
      priority: 255,
      turn: () => {
        work++
        if (work < workMax) queue.push(newcomer())
        return 1
      },
      ready: false
    })
    queue.push(newcomer())
    queue.push({
      priority: 0,
      turn: () => {
        waited ??= work
        return 1
      },
      ready: false
    })
    runAll()
    expect(waited).toBeLessThanOrEqual(waitBound(0, [255]))
  })

  it("comes to half of its bound where one of high priority keeps one of low priority waiting", () => {
    const busy = { cost: Limits.turnMessages, turns: 1_000_000, wakesAfter: 0 }
    const parts = waitsOf(
      [
        { ...busy, priority: 255 },
        { ...busy, priority: 0 }
      ],
      100_000
    )
    expect(Math.max(...parts)).toBeGreaterThan(0.4)
  })
})
