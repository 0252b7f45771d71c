/**
 * The lease authority of another realm, asked over the mesh. Its node must grant this one `actors.migrate`. It leases services
 * only: actors are lent by their home.
 */
import {
  type CurrentLease,
  type Lease,
  LeaseAuthority,
  LeaseHeld,
  LeaseLost,
  LeaseNotGranted
} from "@continuum/core/LeaseAuthority"
import { Effect } from "effect"
import * as LeaseProtocol from "./LeaseProtocol.ts"
import * as Limits from "./Limits.ts"
import type { Router } from "./Router.ts"

/** `realm`: its key, or the name of its node. */
export const make = (router: Router, realm: string): LeaseAuthority["Service"] => {
  const ask = (address: string, request: LeaseProtocol.HomeRequest) => {
    const notGranted = ({ message }: { readonly message: string }) => new LeaseNotGranted({ address, reason: message })
    const key = router.delivery?.realmOf(realm) ?? Effect.succeed(realm)
    return Effect.flatMap(Effect.mapError(key, notGranted), (key) =>
      Effect.mapError(LeaseProtocol.askHome(router, key, request, { deadlineMs: Limits.migrationStepMs }), notGranted)
    )
  }
  const unexpected = (address: string, { _tag }: LeaseProtocol.HomeReply) =>
    new LeaseNotGranted({ address, reason: `its authority answered "${_tag}"` })

  return LeaseAuthority.of({
    acquire: (address, holder, ttlMs) =>
      Effect.flatMap(
        ask(address, { _tag: "Acquire", address, holder, ttlMs }),
        (reply): Effect.Effect<Lease, LeaseHeld | LeaseNotGranted> => {
          if (reply._tag === "Acquired") return Effect.succeed(reply.lease)
          const known = reply._tag === "NotAcquired" && !(reply.error instanceof LeaseLost)
          return Effect.fail(known ? (reply.error as LeaseHeld | LeaseNotGranted) : unexpected(address, reply))
        }
      ),
    renew: (lease) =>
      Effect.flatMap(
        ask(lease.address, { _tag: "Renew", leases: [lease] }),
        (reply): Effect.Effect<void, LeaseLost | LeaseNotGranted> => {
          if (reply._tag !== "Renewed") return Effect.fail(unexpected(lease.address, reply))
          const isLost = reply.lost.includes(lease.epoch)
          return isLost ? Effect.fail(new LeaseLost({ address: lease.address, epoch: lease.epoch })) : Effect.void
        }
      ),
    release: (lease) =>
      Effect.flatMap(ask(lease.address, { _tag: "Release", lease }), (reply) =>
        reply._tag === "Released" ? Effect.succeed(reply.was) : Effect.fail(unexpected(lease.address, reply))
      ),
    find: (address) =>
      Effect.flatMap(
        ask(address, { _tag: "Find", address }),
        (reply): Effect.Effect<CurrentLease | undefined, LeaseNotGranted> =>
          reply._tag === "Found" ? Effect.succeed(reply.lease ?? undefined) : Effect.fail(unexpected(address, reply))
      )
  })
}
