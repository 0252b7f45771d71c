/**
 * Several actors of one type that share work, and the ways to choose one: in turn, by chance, by a key, the one with the least
 * to do; or to ask all of them.
 *
 * The workers are ordinary actors named `<pool>-0`, `<pool>-1`, ...: supervised, durable if their type is, reachable by address.
 * A pool itself holds nothing but refs.
 */
import { Effect, Random } from "effect"
import type * as Actor from "./Actor.ts"
import { type ActorRef, loadOf } from "./ActorRef.ts"
import type { ActorSystem } from "./ActorSystem.ts"
import * as Crc32c from "./Crc32c.ts"
import * as Limits from "./Limits.ts"

export class Pool<M extends Actor.MessageTypes> {
  readonly workers: ReadonlyArray<ActorRef<M>>
  private turn: number

  constructor(workers: ReadonlyArray<ActorRef<M>>) {
    this.workers = workers
    this.turn = 0
  }

  /** One after the other. */
  roundRobin(): ActorRef<M> {
    const worker = this.workers[this.turn]!
    this.turn = (this.turn + 1) % this.workers.length
    return worker
  }

  /** Any, by the randomness of the caller. */
  readonly random: Effect.Effect<ActorRef<M>> = Effect.suspend(() =>
    Effect.map(Random.nextIntBetween(0, this.workers.length, { halfOpen: true }), (index) => this.workers[index]!)
  )

  /** The same for the same key. A pool with one worker more sends one in so many keys elsewhere, and all of these to the new one. */
  hashed(key: string): ActorRef<M> {
    return this.workers[jumpHash(Crc32c.of(encoder.encode(key)), this.workers.length)]!
  }

  /** The one with the fewest messages that wait or are handled; of several the first. O(workers). */
  smallestMailbox(): ActorRef<M> {
    let least = this.workers[0]!
    let load = loadOf(least)
    for (const worker of this.workers) {
      const other = loadOf(worker)
      if (other >= load) continue
      least = worker
      load = other
    }
    return least
  }

  /** Does something with each worker at the same time. The results are in the order of the workers; fails with the first failure. */
  broadcast<A, E, R>(each: (worker: ActorRef<M>) => Effect.Effect<A, E, R>): Effect.Effect<ReadonlyArray<A>, E, R> {
    return Effect.forEach(this.workers, each, { concurrency: "unbounded" })
  }

  /** Asks all at the same time and takes the first answer; the others are interrupted. Fails when all have failed. */
  first<A, E, R>(each: (worker: ActorRef<M>) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.raceAll(this.workers.map(each))
  }
}

/** A pool of `size` workers, 1 to `Limits.poolSizeMax`. Throws `RangeError` for another size, and as `system.ref` does. */
export const make = <Kind extends string, State, M extends Actor.MessageTypes>(
  system: ActorSystem["Service"],
  actor: Actor.Actor<Kind, State, M>,
  name: string,
  size: number
): Pool<M> => {
  if (!(Number.isInteger(size) && size >= 1 && size <= Limits.poolSizeMax))
    throw new RangeError(`A pool has 1 to ${Limits.poolSizeMax} workers, not ${size}`)
  return new Pool(Array.from({ length: size }, (_, index) => system.ref(actor, `${name}-${index}`)))
}

const encoder = new TextEncoder()

/**
 * A bucket in [0, buckets) for a key of 32 bits; of one bucket more, 1 in so many keys go to the new bucket and no other key moves.
 * Source: J. Lamping, E. Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014. O(log buckets).
 */
const jumpHash = (key: number, buckets: number): number => {
  let state = BigInt(key)
  let bucket = 0
  for (let next = 0; next < buckets;) {
    bucket = next
    state = BigInt.asUintN(64, state * 2_862_933_555_777_941_757n + 1n)
    next = Math.floor((bucket + 1) * (2 ** 31 / (Number(state >> 33n) + 1)))
  }
  return bucket
}
