/**
 * What every store of messages has to do here: senders that each send to an actor of their own, wait until the message is safe, and send
 * the next; in the end all messages are handled. Everything is read back from the file: each message had its effect, once.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { check, measure } from "../Measure.ts"

/** What a message changes. */
export interface State {
  readonly count: number
  readonly text: string
}

export const initialState: State = { count: 0, text: "x".repeat(80) }

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

export interface StoreFactory {
  /** Opens or creates a store. */
  readonly open: (dir: string) => Promise<Store>
  /** Counts of all states that a closed store holds, in any order. */
  readonly read: (dir: string) => Promise<ReadonlyArray<number>>
}

/** Below the repository, where the programs run, since a temporary folder may be memory, where a flush costs nothing. */
const parent = resolve(".cache/bench")

export const runStore = async ({ open, read }: StoreFactory): Promise<void> => {
  mkdirSync(parent, { recursive: true })
  const dir = mkdtempSync(join(parent, "mailbox-"))
  try {
    const store = await open(dir)
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
    await store.close()
    const counts = await read(dir)
    check(
      "The number of effects found on disk",
      counts.reduce((sum, count) => sum + count, 0),
      sent
    )
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
