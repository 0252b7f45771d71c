/**
 * All that one system has to do with leases: the authority for its own realm, its actors that are lent to other nodes, and the
 * guests that it runs for them.
 */
import type { Outcome } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import type { LeaseAuthority } from "@continuum/core/LeaseAuthority"
import type { LeaseTable } from "@continuum/core/LeaseTable"
import { Effect } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import type { Ask } from "./Ask.ts"
import { Holds } from "./Holds.ts"
import type { Kernel } from "./Kernel.ts"
import { LeaseHome } from "./LeaseHome.ts"
import { LeaseHost } from "./LeaseHost.ts"
import * as LeaseProtocol from "./LeaseProtocol.ts"

export class Leases {
  readonly home: LeaseHome
  readonly host: LeaseHost
  readonly authority: LeaseAuthority["Service"]
  private readonly holds: Holds

  constructor(kernel: Kernel, table: LeaseTable, ttlMs: number) {
    this.authority = table.authority
    this.holds = new Holds()
    this.home = new LeaseHome(kernel, table, this.holds, ttlMs)
    this.host = new LeaseHost(kernel, this.holds)
  }

  /** A cell that is held or away was looked at: something about it may have changed. */
  woken(cell: ActorCell): void {
    if (cell.phase === "moving") this.holds.woken(cell)
    else this.home.of(cell)?.forward()
  }

  /** One life of an actor ends: whoever holds it must know. */
  interrupted(cell: ActorCell): void {
    this.holds.interrupted(cell)
  }

  cancel(cell: ActorCell, ask: Ask): void {
    this.home.of(cell)?.cancel(ask)
  }

  /** The answer to what another node asks about leases. */
  answer(envelope: Envelope): Effect.Effect<Outcome> {
    return LeaseProtocol.answer(
      {
        home: (realm, request) => this.home.answers.answer(realm, request),
        host: (realm, request, envelope) => this.host.answer(realm, request, envelope)
      },
      envelope
    )
  }
}
