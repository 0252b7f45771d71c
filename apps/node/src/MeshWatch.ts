/**
 * Looks, now and once a minute, whether the nodes of `--bootstrap` answer, and whether this one listens at the UDP port that people take
 * from its URL: whoever mistyped the one flag that matters should learn it from the log and from `doctor`.
 */
import type { Transport } from "@continuum/core/Transport"
import { Effect, type Scope } from "effect"

/** A look costs a packet each way for each address. Chosen, not measured. */
const lookEveryMs = 60_000
const readyEveryMs = 250

export interface Settings {
  readonly bootstrap: ReadonlyArray<string>
  /** The port that it was started with; 0: any. */
  readonly port: number
}

/** What is wrong at the last look, for a person. */
export const make = (
  transport: Transport["Service"],
  { bootstrap, port }: Settings
): Effect.Effect<Effect.Effect<ReadonlyArray<string>>, never, Scope.Scope> =>
  Effect.gen(function* () {
    let found: ReadonlyArray<string> = []

    const silent = (address: string) =>
      Effect.match(transport.contact(address), {
        onSuccess: () => [],
        onFailure: ({ reason }) => [`${address}, which --bootstrap names, cannot be reached: ${reason}`]
      })
    const elsewhere = Effect.map(transport.status, ({ listening = "" }) => {
      const udp = /:(\d+)$/.exec(listening)?.[1]
      return port === 0 || udp === undefined || udp === String(port)
        ? []
        : [
            `UDP port ${port} was taken, so others reach this node at UDP port ${udp} and not at that of its URL: ` +
              "free it, or start with another --port"
          ]
    })
    const look = Effect.gen(function* () {
      const silences = yield* Effect.forEach(bootstrap, silent, { concurrency: "unbounded" })
      const now = [...silences.flat(), ...(yield* elsewhere)]
      for (const problem of now) if (!found.includes(problem)) yield* Effect.logWarning(problem)
      found = now
    })
    // A first moment, in which the transport comes up.
    const soon = Effect.repeat(
      Effect.delay(
        Effect.map(transport.status, ({ state }) => state === "ready"),
        readyEveryMs
      ),
      { until: (ready) => ready }
    )
    yield* Effect.forkScoped(Effect.andThen(soon, Effect.forever(Effect.andThen(look, Effect.sleep(lookEveryMs)))))
    return Effect.sync(() => found)
  })
