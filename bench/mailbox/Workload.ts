/**
 * What every store of messages has to do here: senders that each send to an actor of their own, wait until the message is safe, and send
 * the next; in the end all messages are handled, and each must have had its effect, once.
 */
import { measure } from "../Measure.ts"
import * as Stores from "../Stores.ts"

export const senders = 64

export interface Store {
  /** Sends a message to the actor of a sender, and is done once it is safe. */
  readonly tell: (sender: number) => Promise<void>
  /** Waits until that actor has handled all that was sent to it, and the effect is safe. */
  readonly handled: (sender: number) => Promise<unknown>
  /** Sends a message under this number, which a sender never uses again, and answers the count once it is safe. */
  readonly once: (sender: number, number: number) => Promise<number>
  readonly close: () => Promise<void>
}

export const runStore = (factory: Stores.StoreFactory<Store>): Promise<void> =>
  Stores.run(factory, async (store) => {
    let sent = 0
    const run = (count: number, send: (sender: number) => Promise<unknown>) => async (operations: number) => {
      let left = operations
      const sending = async (_: unknown, sender: number) => {
        while (left-- > 0) await send(sender)
        await store.handled(sender)
      }
      await Promise.all(Array.from({ length: count }, sending))
      sent += operations
    }
    await measure("tell1", run(1, store.tell))
    await measure("tell64", run(senders, store.tell))
    let number = 0
    await measure(
      "once64",
      run(senders, (sender) => store.once(sender, number++))
    )
    return sent
  })
