/**
 * The end of a system, in order: services first, last started first; then handlers in progress get their time; what still waits
 * becomes dead letters; what is not stored yet is stored.
 */
import { type Duration, Effect } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import * as ActorStop from "./ActorStop.ts"
import type { Kernel } from "./Kernel.ts"

/** Ends everything in order. Never fails. */
export const stop = (kernel: Kernel, timeout: Duration.Input): Effect.Effect<void> =>
  Effect.gen(function* () {
    kernel.stopping = true
    const reason = "the system stops"
    for (const service of [...kernel.services.values()].toReversed()) yield* service.stop(reason)
    const busy = new Set<ActorCell>()
    for (const cell of cellsOf(kernel)) {
      const { relations } = cell
      // Children are stopped by their parents.
      if (cell.parent !== undefined) busy.add(cell)
      else if (relations !== undefined && relations.children.size > 0) {
        busy.add(cell)
        kernel.forkBackground(ActorStop.shutdown(cell, reason))
      } else if (ActorStop.beginStop(cell, reason)) busy.add(cell)
    }
    for (const cell of busy) if (cell.phase === "stopped") busy.delete(cell)
    const allEnded = Effect.callback<void>((resume) => {
      kernel.onCellStopped = (cell) => {
        busy.delete(cell)
        if (busy.size === 0) resume(Effect.void)
      }
      if (busy.size === 0) resume(Effect.void)
    })
    yield* Effect.timeoutOption(allEnded, timeout)
    kernel.onCellStopped = undefined
    for (const cell of busy) ActorStop.stop(cell, "the system stopped before the handler ended")
    yield* Effect.timeoutOption(kernel.commits.settled, timeout)
    if (kernel.post !== undefined) yield* Effect.timeoutOption(kernel.post.writer.settled, timeout)
    yield* Effect.timeoutOption(kernel.leases.host.release, timeout)
    kernel.interruptBackground()
  })

const cellsOf = (kernel: Kernel) => kernel.allTypes().flatMap((type) => [...type.all()])
