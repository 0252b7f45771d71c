/**
 * Topics: what happened, told to whoever listens in this process. A publisher knows no subscriber and waits for none.
 *
 * Each subscriber gets the events of a topic in the order in which they were published, from its subscription on. A stream that
 * is read too slowly loses its oldest events, and an actor whose mailbox is full gets a dead letter: nothing grows, nobody waits.
 */
import * as Limits from "./Limits.ts"

/** The name of a topic, and the type of its events. */
export interface Topic<in out Event> {
  readonly name: string
  readonly [TypeId]: (event: Event) => Event
}

const TypeId = "~@continuum/actors/Topic"

/** Topics of the same name are the same: give it a name of your own, and say its type in one place. */
export const make = <Event>(name: string): Topic<Event> => ({ name, [TypeId]: (event) => event })

/** The subscribers of one system. */
export class Topics {
  private readonly byName: Map<string, Set<(event: unknown) => void>>

  constructor() {
    this.byName = new Map()
  }

  /** Calls `listener` at each event until the function that it returns is called. Throws `RangeError` for a subscriber too many. */
  subscribe(topic: string, listener: (event: unknown) => void): () => void {
    const listeners = this.byName.get(topic) ?? new Set()
    if (listeners.size >= Limits.subscribersMax)
      throw new RangeError(`The topic "${topic}" has ${Limits.subscribersMax} subscribers already`)
    this.byName.set(topic, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.byName.get(topic) === listeners) this.byName.delete(topic)
    }
  }

  /** Whether anybody listens. */
  isHeard(topic: string): boolean {
    return this.byName.size > 0 && this.byName.has(topic)
  }

  publish(topic: string, event: unknown): void {
    const listeners = this.byName.get(topic)
    if (listeners !== undefined) for (const listener of listeners) listener(event)
  }
}
