/**
 * Several topics as one stream for a reader who may be slow: beyond its buffer the oldest events are lost, and the next thing that it
 * reads says how many.
 */
import { Clock, Effect, Stream } from "effect"
import type { Topics } from "./Topic.ts"

export type FeedItem =
  | { readonly _tag: "Event"; readonly topic: string; readonly timeMs: number; readonly event: unknown }
  /** So many events were lost here, because nobody read them in time. */
  | { readonly _tag: "Missed"; readonly count: number }

type Some = readonly [FeedItem, ...Array<FeedItem>]

/** The events of these topics from the moment it is run, in the order in which they were published; never ends. */
export const make = (topics: Topics, names: ReadonlyArray<string>, bufferEvents: number): Stream.Stream<FeedItem> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const buffer = new Buffer(bufferEvents)
      for (const topic of new Set(names)) {
        yield* Effect.acquireRelease(
          Effect.sync(() =>
            topics.subscribe(topic, (event) =>
              buffer.add({ _tag: "Event", topic, timeMs: clock.currentTimeMillisUnsafe(), event })
            )
          ),
          (unsubscribe) => Effect.sync(unsubscribe)
        )
      }
      return Stream.fromPull(Effect.succeed(buffer.pull))
    })
  )

class Buffer {
  private readonly capacity: number
  private items: Array<FeedItem>
  /** Where the oldest is: the array is a ring once it is full. */
  private oldest: number
  private missed: number
  private wake: (() => void) | undefined

  constructor(capacity: number) {
    this.capacity = capacity
    this.items = []
    this.oldest = 0
    this.missed = 0
    this.wake = undefined
  }

  add(item: FeedItem): void {
    if (this.items.length < this.capacity) this.items.push(item)
    else {
      this.items[this.oldest] = item
      this.oldest = (this.oldest + 1) % this.capacity
      this.missed++
    }
    this.wake?.()
  }

  readonly pull: Effect.Effect<Some> = Effect.callback((resume) => {
    if (this.items.length > 0) return resume(Effect.succeed(this.take()))
    this.wake = () => {
      this.wake = undefined
      resume(Effect.sync(() => this.take()))
    }
    return Effect.sync(() => (this.wake = undefined))
  })

  private take(): Some {
    const inOrder = [...this.items.slice(this.oldest), ...this.items.slice(0, this.oldest)]
    if (this.missed > 0) inOrder.unshift({ _tag: "Missed", count: this.missed })
    this.items = []
    this.oldest = 0
    this.missed = 0
    return inOrder as unknown as Some
  }
}
