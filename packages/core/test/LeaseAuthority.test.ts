import { describe, it } from "@effect/vitest"
import { Clock, Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { expect } from "vitest"
import type { Lease } from "../src/LeaseAuthority.ts"
import * as LeaseTable from "../src/LeaseTable.ts"
import { LeaseTerm } from "../src/LeaseTerm.ts"
import { laws } from "../src/testing/LeaseAuthorityLaws.ts"

describe("the authority in memory", () => {
  for (const { check, name } of laws) it.effect(name, () => Effect.provide(check, LeaseTable.layerMemory))
})

const addresses = ["a", "b"]
const holders = ["ant", "bee", "cat"]
const ttlMs = 1_000

const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant("acquire" as const), at: fc.nat(1), by: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("renew" as const), which: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("release" as const), which: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("wait" as const), ms: fc.nat(1_500) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("restart" as const) }) }
)

describe("a lease", () => {
  it.effect("has at most one holder, an epoch that only grows and its whole time, over restarts of the authority", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 60 }), (operations) =>
          Effect.runPromise(Effect.provide(model(operations), TestClock.layer()))
        ),
        { numRuns: 300 }
      )
    )
  )

  it.effect("is not granted when it cannot be stored, and somebody else may have it then", () =>
    Effect.gen(function* () {
      const store = LeaseTable.storeMemory()
      let isFull = true
      const { authority } = yield* LeaseTable.make({
        load: store.load,
        save: (...change) =>
          isFull ? Effect.fail(new LeaseTable.LeasesNotStored({ reason: "the disk is full" })) : store.save(...change)
      })
      const error = yield* Effect.flip(authority.acquire("a", "ant", ttlMs))
      expect(error.message).toContain("the disk is full")
      expect(yield* authority.find("a")).toBe(undefined)
      isFull = false
      expect((yield* authority.acquire("a", "bee", ttlMs)).holder).toBe("bee")
    })
  )
})

/** Does the operations to an authority and to what it should be, which is written down as plainly as possible. */
const model = (operations: ReadonlyArray<typeof operation extends fc.Arbitrary<infer A> ? A : never>) =>
  Effect.gen(function* () {
    const store = LeaseTable.storeMemory()
    let table = yield* LeaseTable.make(store)
    let nowMs = 0
    const granted: Array<Lease> = []
    const endsAtMs = new Map<Lease, number>()
    const current = (address: string) =>
      granted.find((lease) => lease.address === address && (endsAtMs.get(lease) ?? 0) > nowMs)
    for (const step of operations) {
      if (step.op === "wait") {
        yield* TestClock.adjust(step.ms)
        nowMs += step.ms
      } else if (step.op === "restart") {
        table = yield* LeaseTable.make(store)
        // What is on record counts anew, also what had ended and was not given to another.
        for (const lease of table.found)
          endsAtMs.set(
            granted.find(({ epoch }) => epoch === lease.epoch)!,
            nowMs + ttlMs
          )
      } else if (step.op === "acquire") {
        const address = addresses[step.at]!
        const held = current(address)
        const exit = yield* Effect.exit(table.authority.acquire(address, holders[step.by]!, ttlMs))
        expect(Exit.isSuccess(exit)).toBe(held === undefined)
        if (!Exit.isSuccess(exit)) continue
        expect(exit.value.epoch).toBeGreaterThan(granted.at(-1)?.epoch ?? 0)
        granted.push(exit.value)
        endsAtMs.set(exit.value, nowMs + ttlMs)
      } else if (granted.length > 0) {
        const lease = granted[step.which % granted.length]!
        const isCurrent = current(lease.address) === lease
        if (step.op === "renew") {
          const exit = yield* Effect.exit(table.authority.renew(lease))
          expect(Exit.isSuccess(exit)).toBe(isCurrent)
          if (isCurrent) endsAtMs.set(lease, nowMs + ttlMs)
        } else {
          const released = yield* table.authority.release(lease)
          if (isCurrent) expect(released).toBe(true)
          endsAtMs.delete(lease)
        }
      }
      for (const address of addresses) {
        const expected = current(address)
        expect((yield* table.authority.find(address))?.epoch).toBe(expected?.epoch)
        for (const lease of granted) expect(table.isCurrent(lease)).toBe(current(lease.address) === lease)
      }
    }
  })

describe("the term of a lease", () => {
  const clocks = () => {
    const time = { wallMs: 1_000_000, monotonicMs: 50 }
    const clock = {
      currentTimeMillisUnsafe: () => time.wallMs,
      monotonicTimeNanosUnsafe: () => BigInt(Math.round(time.monotonicMs * 1e6))
    } as Clock.Clock
    return { time, clock }
  }
  const pass = (time: { wallMs: number; monotonicMs: number }, wallMs: number, monotonicMs = wallMs) => {
    time.wallMs += wallMs
    time.monotonicMs += monotonicMs
  }

  it("ends a tenth before its time, counted from before it was asked for", () => {
    const { clock, time } = clocks()
    const term = new LeaseTerm(clock, 1_000)
    pass(time, 899)
    expect(term.remainingMs).toBe(1)
    pass(time, 1)
    expect(term.remainingMs).toBe(0)
  })

  it("counts a renewal from when it was asked for, and an older answer that comes later for nothing", () => {
    const { clock, time } = clocks()
    const term = new LeaseTerm(clock, 1_000)
    pass(time, 100)
    const first = term.now()
    pass(time, 300)
    const second = term.now()
    pass(time, 100)
    term.renewed(second)
    expect(term.remainingMs).toBe(800)
    term.renewed(first)
    expect(term.remainingMs).toBe(800)
  })

  it("is not longer because a clock was set back, and is over when one was set ahead or the machine slept", () => {
    const { clock, time } = clocks()
    const term = new LeaseTerm(clock, 1_000)
    pass(time, -500_000, 400)
    expect(term.remainingMs).toBe(500)
    const again = new LeaseTerm(clock, 1_000)
    pass(time, 3_600_000, 0)
    expect(again.remainingMs).toBeLessThan(0)
  })

  it("that has ended does not begin anew with a renewal that was on its way", () => {
    const { clock } = clocks()
    const ended = new LeaseTerm(clock, 1_000)
    const asked = ended.now()
    ended.end()
    ended.renewed(asked)
    expect(ended.remainingMs).toBe(Number.NEGATIVE_INFINITY)
  })
})
