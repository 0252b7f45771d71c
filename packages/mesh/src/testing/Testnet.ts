/**
 * A private DHT on 127.0.0.1, for tests and demonstrations: nodes that are given its addresses as `bootstrap` find each
 * other, and nobody else is contacted. Works on Bun, Deno and Node.
 *
 * ```ts
 * const testnet = await Testnet.start()
 * const layer = MeshTransport.layer({ keyPair, bootstrap: testnet.bootstrap })
 * await testnet.stop()
 * ```
 */
import { Effect, type Scope } from "effect"
import { TransportUnavailable } from "../TransportUnavailable.ts"
import type { Runtime } from "../SidecarProcess.ts"
import * as TestnetProcess from "./TestnetProcess.ts"

export type Testnet = TestnetProcess.TestnetProcess

export interface Options {
  /** DHT nodes. Default 3: enough to hold each other's announcements. */
  readonly nodes?: number
  /** Default: bare, and Node where that is missing. */
  readonly runtime?: Runtime
}

/** Starts one; rejects with `TransportUnavailable`. Whoever starts it stops it; it ends with this process at the latest. */
export const start = async ({ nodes = 3, runtime }: Options = {}): Promise<Testnet> => {
  const reasons: Array<string> = []
  for (const one of runtime === undefined ? (["bare", "node"] as const) : [runtime]) {
    try {
      return await TestnetProcess.open(one, nodes)
    } catch (cause) {
      reasons.push(`${one}: ${cause instanceof Error ? cause.message : String(cause)}`)
    }
  }
  throw new TransportUnavailable({
    reason: `no testnet could be started (${reasons.join("; ")})`,
    fix: "Install the packages again, or put node 20 or newer into PATH"
  })
}

/** The same for as long as the scope is open. */
export const make = (options?: Options): Effect.Effect<Testnet, TransportUnavailable, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({ try: () => start(options), catch: (cause) => cause as TransportUnavailable }),
    (testnet) => Effect.promise(testnet.stop)
  )
