import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Admission, makeTicket, type Ticket } from "../../src/thoughtstream/Admission.ts"
import { Budget, noNeed } from "../../src/thoughtstream/Budget.ts"

const limits = { slots: 2, memoryBytes: 1_000, tokensPerMinute: 600 }

describe("a budget", () => {
  it("gives what is there, and not one byte or token more", () => {
    const budget = new Budget(limits, 0)
    expect(budget.take({ memoryBytes: 1_001, tokens: 0 }, 0)).toBe(false)
    expect(budget.take({ memoryBytes: 0, tokens: 601 }, 0)).toBe(false)
    expect(budget.take({ memoryBytes: 1_000, tokens: 600 }, 0)).toBe(true)
    expect(budget.take({ memoryBytes: 1, tokens: 0 }, 0)).toBe(false)
    expect(budget.take({ memoryBytes: 0, tokens: 1 }, 0)).toBe(false)
  })

  it("refills its tokens by the minute, up to what it may save", () => {
    const budget = new Budget(limits, 0)
    expect(budget.take({ memoryBytes: 0, tokens: 600 }, 0)).toBe(true)
    expect(budget.tokensInMs(10, 0)).toBe(1_000)
    expect(budget.take({ memoryBytes: 0, tokens: 10 }, 999)).toBe(false)
    expect(budget.take({ memoryBytes: 0, tokens: 10 }, 1_001)).toBe(true)
    expect(budget.take({ memoryBytes: 0, tokens: 601 }, 1e9)).toBe(false)
    expect(budget.take({ memoryBytes: 0, tokens: 600 }, 1e9)).toBe(true)
  })

  it("gives unused tokens back, and takes those that were used beyond the need from what comes", () => {
    const budget = new Budget(limits, 0)
    budget.take({ memoryBytes: 0, tokens: 100 }, 0)
    budget.give({ memoryBytes: 0, tokens: 100 }, 40, 0)
    expect([561, 560].map((tokens) => budget.tokensInMs(tokens, 0))).toEqual([100, 0])
    budget.take({ memoryBytes: 0, tokens: 560 }, 0)
    budget.give({ memoryBytes: 0, tokens: 560 }, 660, 0)
    expect(budget.tokensInMs(0, 0)).toBe(10_000)
  })

  it("names what can never be", () => {
    const budget = new Budget(limits, 0)
    expect(budget.refusal("p", { memoryBytes: 1_000, tokens: 600 })).toBeUndefined()
    expect(budget.refusal("p", { memoryBytes: 1_001, tokens: 0 })).toMatchObject({ resource: "memoryBytes" })
    expect(budget.refusal("p", { memoryBytes: 0, tokens: 601 })?.message).toContain("needs 601 tokens")
  })
})

describe("admission", () => {
  const ticketOf = (personaId: string, priority: number, readySinceMs: number, need = noNeed): Ticket =>
    makeTicket({ personaId, priority, readySinceMs, need, admitted: () => {} })

  it("never passes its budget, and serves everyone in the end, whatever comes and goes", () => {
    const event = fc.record({
      priority: fc.integer({ min: 0, max: 255 }),
      memoryBytes: fc.integer({ min: 0, max: 1_000 }),
      tokens: fc.integer({ min: 0, max: 600 }),
      afterMs: fc.integer({ min: 0, max: 3_000 }),
      leaves: fc.boolean()
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let now = 0
        const admission = new Admission(new Budget(limits, 0), () => now)
        const tickets: Array<Ticket> = []
        const running = () => tickets.filter(({ phase }) => phase === "running")
        const check = () => {
          expect(running().length).toBeLessThanOrEqual(limits.slots)
          const supplied = tickets.filter(({ isSupplied, phase }) => isSupplied && phase !== "left")
          expect(supplied.reduce((sum, { need }) => sum + need.memoryBytes, 0)).toBeLessThanOrEqual(1_000)
          for (const ticket of running()) if (ticket.shouldSuspend) admission.suspend(ticket)
        }
        for (const { afterMs, leaves, memoryBytes, priority, tokens } of events) {
          now += afterMs
          const ticket = ticketOf(String(tickets.length), priority, now, { memoryBytes, tokens })
          tickets.push(ticket)
          admission.enter(ticket)
          check()
          if (leaves) for (const one of running().slice(0, 1)) admission.leave(one)
          check()
        }
        // Everyone that runs leaves, again and again, until nobody is left.
        for (let round = 0; tickets.some(({ phase }) => phase !== "left"); round++) {
          expect(round).toBeLessThan(10 * events.length)
          for (const one of running()) admission.leave(one)
          now += 60_000
          admission.admit()
          check()
        }
      }),
      { numRuns: 100 }
    )
  })

  it("lets nobody pass one that is better and needs more than there is", () => {
    let now = 0
    const admission = new Admission(new Budget({ ...limits, slots: 3 }, 0), () => now)
    const first = ticketOf("first", 100, 0, { memoryBytes: 600, tokens: 0 })
    const large = ticketOf("large", 200, 0, { memoryBytes: 600, tokens: 0 })
    const small = ticketOf("small", 100, 0, { memoryBytes: 1, tokens: 0 })
    admission.enter(first)
    admission.enter(large)
    admission.enter(small)
    expect([first, large, small].map(({ phase }) => phase)).toEqual(["running", "waiting", "waiting"])
    now = 10
    admission.leave(first)
    expect([first, large, small].map(({ phase }) => phase)).toEqual(["left", "running", "running"])
  })

  it("asks the worst that runs for its slot when a better one waits, and no equal one", () => {
    let now = 0
    const admission = new Admission(new Budget({ ...limits, slots: 2 }, 0), () => now)
    const [low, high] = [ticketOf("low", 50, 0), ticketOf("high", 200, 0)]
    admission.enter(low)
    admission.enter(high)
    admission.enter(ticketOf("same", 50, 0))
    expect([low.shouldSuspend, high.shouldSuspend]).toEqual([false, false])
    const better = ticketOf("better", 60, 0)
    admission.enter(better)
    expect([low.shouldSuspend, high.shouldSuspend]).toEqual([true, false])
    now = 5
    admission.suspend(low)
    expect([low.phase, better.phase, low.readySinceMs]).toEqual(["waiting", "running", 5])
    expect(better.shouldSuspend).toBe(false)
  })
})
