/**
 * A service that several systems start and one runs: whoever holds its lease. The others wait; when the holder dies, or cannot
 * reach the authority for the time of the lease, another one takes over after at most 1.3 times that time.
 *
 * The holder is interrupted a tenth of the lease before it ends, so that two never run at once, as long as what it runs can be
 * interrupted in that time. What it writes elsewhere is its own affair: there the epoch of the lease (`Singleton.CurrentLease`)
 * tells a late writer from the present one.
 */
import * as Address from "@continuum/core/Address"
import { type Lease, type LeaseAuthority, LeaseNotGranted } from "@continuum/core/LeaseAuthority"
import { LeaseTerm } from "@continuum/core/LeaseTerm"
import { leaseRenewAfter, leaseTtlMs } from "@continuum/core/Limits"
import { Clock, Context, Duration, Effect, Option, Random } from "effect"
import { ActorSystem } from "./ActorSystem.ts"
import * as Service from "./Service.ts"

export interface Options extends Service.Options {
  /** The realm whose node is the authority, by key or name. Default `local`: only this system can run it. */
  readonly of?: string
  /** Time of the lease. Default `leaseTtlMs` of core. */
  readonly ttl?: Duration.Input
}

/** The lease that the service runs under. */
export class CurrentLease extends Context.Service<CurrentLease, Lease>()("@continuum/actors/Singleton/CurrentLease") {}

/**
 * Defines it; `ActorSystem.run` starts it on each system. It is listed as a service everywhere, and runs on one. When its effect
 * ends or fails it gives the lease back, and is restarted as its supervision says, here or elsewhere.
 */
export const singleton = <Error, Services>(
  name: string,
  effect: Effect.Effect<unknown, Error, Services>,
  options: Options = {}
): Service.Service<Error, Exclude<Exclude<Services, CurrentLease>, ActorSystem>> => {
  const ttlMs = options.ttl === undefined ? leaseTtlMs : Duration.toMillis(Duration.fromInputUnsafe(options.ttl))
  const address = Address.format(Address.make(Service.kind, name))
  const whole = Effect.gen(function* () {
    const system = yield* ActorSystem
    const clock = yield* Clock.Clock
    const authority = system.leasesOf(options.of ?? Address.localRealm)
    // A new name at each start: the lease of an earlier start, of which nobody knows whether it has ended, is another's.
    const holder = (yield* Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER)).toString(36)
    for (;;) {
      const term = new LeaseTerm(clock, ttlMs)
      const granted = yield* Effect.result(authority.acquire(address, holder, ttlMs))
      if (granted._tag === "Success") {
        const lease = granted.success
        const held = Effect.raceFirst(
          Effect.asSome(Effect.provideService(effect, CurrentLease, lease)),
          Effect.as(keep(authority, lease, term), Option.none())
        )
        const ended = yield* Effect.ensuring(held, Effect.ignore(authority.release(lease)))
        if (ended._tag === "Some") return ended.value
        yield* Effect.logWarning(`The lease of ${address} is lost; what ran under it was stopped`)
        continue
      }
      const error = granted.failure
      if (error instanceof LeaseNotGranted) yield* Effect.logDebug(error.message)
      const waitMs = ttlMs * leaseRenewAfter
      yield* Effect.sleep("remainingMs" in error ? Math.min(error.remainingMs, waitMs) : waitMs)
    }
  })
  return Service.service(name, whole, options) as Service.Service<
    Error,
    Exclude<Exclude<Services, CurrentLease>, ActorSystem>
  >
}

/** Renews a lease until it is lost. */
const keep = (authority: LeaseAuthority["Service"], lease: Lease, term: LeaseTerm): Effect.Effect<void> =>
  Effect.gen(function* () {
    const everyMs = lease.ttlMs * leaseRenewAfter
    let nextMs = everyMs
    while (term.remainingMs > 0) {
      yield* Effect.sleep(Math.min(nextMs, term.remainingMs))
      const { remainingMs } = term
      if (remainingMs <= 0) return
      const asked = term.now()
      const renewed = yield* Effect.timeoutOption(Effect.result(authority.renew(lease)), Math.min(everyMs, remainingMs))
      if (renewed._tag === "Some" && renewed.value._tag === "Success") {
        term.renewed(asked)
        nextMs = everyMs
      } else if (
        renewed._tag === "Some" &&
        renewed.value._tag === "Failure" &&
        renewed.value.failure._tag === "LeaseLost"
      ) {
        return term.end()
        // Soon again, while there is time.
      } else nextMs = everyMs / 3
    }
  })
