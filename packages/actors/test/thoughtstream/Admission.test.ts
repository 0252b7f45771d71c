import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Admission, makeTicket, type Ticket } from "../../src/thoughtstream/Admission.ts"
import { turnWaitBoundMs } from "../../src/thoughtstream/Ageing.ts"
import { Budget, noNeed } from "../../src/thoughtstream/Budget.ts"

const turnSecondsMax = 20

const turns = fc.array(
  fc.record({
    atSecond: fc.integer({ min: 0, max: 600 }),
    // Mostly urgent ones: those are what the others wait for.
    priority: fc.oneof(fc.integer({ min: 200, max: 255 }), fc.integer({ min: 0, max: 255 })),
    seconds: fc.integer({ min: 5, max: turnSecondsMax })
  }),
  // Together they take much longer than the time in which they come.
  { minLength: 150, maxLength: 200 }
)

interface Running {
  readonly ticket: Ticket
  left: number
}

describe("a turn that was won", () => {
  it("has a slot within its bound, whoever comes after it, and never more turns than slots run", () => {
    let waitedAtAll = 0
    fc.assert(
      fc.property(turns, fc.integer({ min: 1, max: 4 }), (specs, slots) => {
        const clock = { ms: 0 }
        const unlimited = Number.POSITIVE_INFINITY
        const budget = new Budget({ slots, memoryBytes: unlimited, tokensPerMinute: unlimited }, 0)
        const admission = new Admission(budget, () => clock.ms)
        const open = new Set<Running>()
        const coming = [...specs].sort((a, b) => a.atSecond - b.atSecond)
        while (coming.length > 0 || open.size > 0) {
          // What the turns did in this second.
          for (const one of open) {
            if (one.ticket.phase !== "running") continue
            if (--one.left === 0) {
              open.delete(one)
              admission.leave(one.ticket)
            } else if (one.ticket.shouldSuspend) admission.suspend(one.ticket)
          }
          admission.admit()
          while (coming.length > 0 && coming[0]!.atSecond * 1_000 <= clock.ms) {
            const { priority, seconds } = coming.shift()!
            const enteredMs = clock.ms
            const before = open.size
            let isFirst = true
            const ticket: Ticket = makeTicket({
              personaId: "p",
              priority,
              need: noNeed,
              readySinceMs: enteredMs,
              admitted: () => {
                if (!isFirst) return
                isFirst = false
                const waitedMs = clock.ms - enteredMs
                if (waitedMs > 0) waitedAtAll++
                // Who runs is asked for its slot once a second.
                const bound = turnWaitBoundMs(priority, before, slots, turnSecondsMax * 1_000) + 1_000
                expect(waitedMs).toBeLessThanOrEqual(bound)
              }
            })
            open.add({ ticket, left: seconds })
            admission.enter(ticket)
          }
          expect([...open].filter(({ ticket }) => ticket.phase === "running").length).toBeLessThanOrEqual(slots)
          clock.ms += 1_000
        }
      }),
      { numRuns: 30 }
    )
    expect(waitedAtAll).toBeGreaterThan(1_000)
  })
})
