import { describe, expect, it } from "@effect/vitest"
import type { Runnable } from "../src/RunQueue.ts"
import { RunTrace, svg } from "../src/RunTrace.ts"

const runnable = (priority: number, owner?: Runnable): Runnable => ({
  priority,
  turn: () => 1,
  ready: false,
  ...(owner === undefined ? {} : { owner })
})

const recorded = (turnsMax?: number) => {
  const clock = { ms: 0 }
  const names = new Map<Runnable, string>()
  const trace = new RunTrace(
    () => clock.ms,
    (one) => names.get(one)!,
    turnsMax
  )
  const turn = (one: Runnable, fromMs: number, toMs: number, isPreempted = false) => {
    clock.ms = fromMs
    trace.began()
    clock.ms = toMs
    trace.ended(one, 1, isPreempted)
  }
  return { trace, turn, names, at: (ms: number) => void (clock.ms = ms) }
}

describe("a recording of the run queue", () => {
  it("leaves out a turn that began before it", () => {
    const { at, names, trace } = recorded()
    const a = runnable(128)
    names.set(a, "a")
    at(1_000)
    trace.ended(a, 1, false)
    expect(trace.turns).toEqual([])
  })

  it("joins turns of one actor that follow each other at once, its fibers' too, and no others", () => {
    const { names, trace, turn } = recorded()
    const [a, b] = [runnable(128), runnable(200)]
    names.set(a, "a").set(b, "b")
    turn(a, 1, 1.5)
    turn(runnable(128, a), 1.501, 2)
    turn(b, 2, 3)
    turn(a, 3, 4, true)
    // What a better one interrupted is another turn.
    turn(a, 4, 5)
    turn(a, 6, 7)
    expect(trace.turns.map(({ address, end, fromMs, toMs, work }) => [address, fromMs, toMs, work, end])).toEqual([
      ["a", 1, 2, 2, "done"],
      ["b", 2, 3, 1, "done"],
      ["a", 3, 4, 1, "preempted"],
      ["a", 4, 5, 1, "done"],
      ["a", 6, 7, 1, "done"]
    ])
    const picture = svg(trace.turns)
    expect(picture.match(/height="14"/g)).toHaveLength(5)
    expect(picture).toContain("<title>b (priority 200): 1.000 to 2.000 ms, 1 messages, done</title>")
  })

  it("has messages that are handled without a turn, one inside the other, and none whose beginning it did not see", () => {
    const { at, names, trace } = recorded()
    const [a, b] = [runnable(128), runnable(128)]
    names.set(a, "a").set(b, "b")
    at(1)
    trace.endedDirect(a)
    trace.beganDirect()
    at(2)
    trace.beganDirect()
    at(3)
    trace.endedDirect(b)
    at(5)
    trace.endedDirect(a)
    expect(trace.turns.map(({ address, fromMs, toMs, work }) => [address, fromMs, toMs, work])).toEqual([
      ["b", 2, 3, 1],
      ["a", 1, 5, 1]
    ])
  })

  it("keeps no more than it may, and says how many made room", () => {
    const { names, trace, turn } = recorded(100)
    const a = runnable(128)
    names.set(a, "a")
    for (let i = 0; i < 250; i++) turn(a, i, i + 0.5)
    expect(trace.turns.length).toBeLessThanOrEqual(100)
    expect(trace.turns.length + trace.forgotten).toBe(250)
    expect(trace.turns.at(-1)!.fromMs).toBe(249)
  })

  it("is a picture also of nothing", () => {
    expect(svg([])).toContain("</svg>")
  })
})
