/** What a swarm tells while it is still being started, when nothing can be asked of it yet. */
import type { SwarmEvents } from "./Swarm.ts"

/** Keeps what is told until `deliver` is called, and passes it on at once from then on. */
export const postponed = (target: SwarmEvents): { readonly events: SwarmEvents; readonly deliver: () => void } => {
  let kept: Array<() => void> | undefined = []
  const when = (tell: () => void) => {
    if (kept === undefined) tell()
    else kept.push(tell)
  }
  return {
    events: {
      bound: (listening) => when(() => target.bound(listening)),
      ready: () => when(target.ready),
      down: (problem) => when(() => target.down(problem)),
      opened: (opened) => when(() => target.opened(opened)),
      received: (id, bytes) => {
        if (kept === undefined) return target.received(id, bytes)
        const copy = new Uint8Array(bytes)
        kept.push(() => target.received(id, copy))
      },
      closed: (id, reason) => when(() => target.closed(id, reason)),
      dialFailed: (peer, reason) => when(() => target.dialFailed(peer, reason)),
      contacted: (address, found) => when(() => target.contacted(address, found)),
      contactFailed: (address, reason) => when(() => target.contactFailed(address, reason))
    },
    deliver: () => {
      const tells = kept ?? []
      kept = undefined
      for (const tell of tells) tell()
    }
  }
}
