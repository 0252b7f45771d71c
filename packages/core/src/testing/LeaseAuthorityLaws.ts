/**
 * What every LeaseAuthority does. Run each law with an authority that has granted nothing, under Effect's `TestClock`.
 */
import { Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import { LeaseAuthority } from "../LeaseAuthority.ts"
import { type Law, same } from "./Law.ts"

type Authority = LeaseAuthority["Service"]

const law = (name: string, check: (authority: Authority) => Effect.Effect<void, unknown>): Law<LeaseAuthority> => ({
  name,
  check: Effect.flatMap(LeaseAuthority, check)
})

const a = "continuum://local/counter/a"
const b = "continuum://local/counter/b"

export const laws: ReadonlyArray<Law<LeaseAuthority>> = [
  law("what nobody holds is granted, found with its time, and refused to all others and to its holder", (authority) =>
    Effect.gen(function* () {
      yield* same("before", yield* authority.find(a), undefined)
      const lease = yield* authority.acquire(a, "ant", 1_000)
      yield* same("the lease", { ...lease, epoch: 1 }, { address: a, holder: "ant", epoch: 1, ttlMs: 1_000 })
      yield* same("found", yield* authority.find(a), { ...lease, remainingMs: 1_000 })
      for (const holder of ["bee", "ant"]) {
        const error = yield* Effect.flip(authority.acquire(a, holder, 1_000))
        yield* same("the refusal", error, { _tag: "LeaseHeld", address: a, holder: "ant", remainingMs: 1_000 })
      }
      yield* same("the other", (yield* authority.acquire(b, "bee", 1_000)).holder, "bee")
    })
  ),
  law("a lease ends with its time and not before, and can then be had by another with a larger epoch", (authority) =>
    Effect.gen(function* () {
      const lease = yield* authority.acquire(a, "ant", 1_000)
      yield* TestClock.adjust(999)
      yield* same("refused", (yield* Effect.flip(authority.acquire(a, "bee", 1_000)))._tag, "LeaseHeld")
      yield* TestClock.adjust(1)
      yield* same("found", yield* authority.find(a), undefined)
      const next = yield* authority.acquire(a, "bee", 500)
      yield* same("the epoch to grow", next.epoch > lease.epoch, true)
    })
  ),
  law("a renewal begins the time anew, as often as it comes in time", (authority) =>
    Effect.gen(function* () {
      const lease = yield* authority.acquire(a, "ant", 1_000)
      for (let i = 0; i < 5; i++) {
        yield* TestClock.adjust(900)
        yield* authority.renew(lease)
      }
      yield* same("found", yield* authority.find(a), { ...lease, remainingMs: 1_000 })
    })
  ),
  law("a lease that has ended is not revived, even if nobody else wanted it", (authority) =>
    Effect.gen(function* () {
      const lease = yield* authority.acquire(a, "ant", 1_000)
      yield* TestClock.adjust(1_000)
      yield* same("the renewal", yield* Effect.flip(authority.renew(lease)), {
        _tag: "LeaseLost",
        address: a,
        epoch: lease.epoch
      })
    })
  ),
  law("what is given back can be had at once, and the old lease is worth nothing", (authority) =>
    Effect.gen(function* () {
      const lease = yield* authority.acquire(a, "ant", 1_000)
      yield* same("released", yield* authority.release(lease), true)
      yield* same("released again", yield* authority.release(lease), false)
      const next = yield* authority.acquire(a, "bee", 1_000)
      yield* same("released late", yield* authority.release(lease), false)
      yield* same("renewed late", (yield* Effect.flip(authority.renew(lease)))._tag, "LeaseLost")
      yield* same("found", (yield* authority.find(a))?.epoch, next.epoch)
    })
  ),
  law("a lease of the right epoch in the name of another is no lease", (authority) =>
    Effect.gen(function* () {
      const lease = yield* authority.acquire(a, "ant", 1_000)
      const forged = { ...lease, holder: "bee" }
      yield* same("renewed", (yield* Effect.flip(authority.renew(forged)))._tag, "LeaseLost")
      yield* same("released", yield* authority.release(forged), false)
      yield* same("found", (yield* authority.find(a))?.holder, "ant")
    })
  ),
  law("of many who want it at once, one gets it", (authority) =>
    Effect.gen(function* () {
      const exits = yield* Effect.all(
        Array.from({ length: 20 }, (_, i) => Effect.exit(authority.acquire(a, `holder-${i}`, 1_000))),
        { concurrency: "unbounded" }
      )
      yield* same("the granted", exits.filter(Exit.isSuccess).length, 1)
    })
  ),
  law("epochs grow from lease to lease, whatever the wall clock does and whoever gives back", (authority) =>
    Effect.gen(function* () {
      let last = 0
      for (let i = 0; i < 10; i++) {
        const lease = yield* authority.acquire(i % 2 === 0 ? a : b, `holder-${i}`, 1_000)
        yield* same(`epoch ${i} to grow`, lease.epoch > last, true)
        last = lease.epoch
        if (i % 3 === 0) yield* TestClock.adjust(2_000)
        else yield* authority.release(lease)
      }
    })
  ),
  law("a time that is too short, too long or no whole number is a defect", (authority) =>
    Effect.gen(function* () {
      for (const ttlMs of [0, 99, 60_001, 1_000.5, NaN]) {
        const exit = yield* Effect.exit(authority.acquire(a, "ant", ttlMs))
        yield* same(`acquire for ${ttlMs} ms to fail`, Exit.isFailure(exit), true)
      }
      yield* same("found", yield* authority.find(a), undefined)
    })
  )
]
