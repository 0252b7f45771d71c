/** XState: transition logic. `send` runs the receiver on the sender's stack unless that is busy. */
import { createActor, fromTransition } from "xstate"
import type { Send } from "./Library.ts"
import { measureAll } from "./MeasureAll.ts"

/** XState itself sends `xstate.stop`. */
interface Event {
  readonly type: "message" | "xstate.stop"
  readonly message?: unknown
}

const start = <Message>(receive: (message: Message) => void) =>
  createActor(
    fromTransition((state: number, { message, type }: Event) => {
      if (type === "message") receive(message as Message)
      return state
    }, 0)
  ).start()

await measureAll(() => ({
  spawn: <Message>(receive: (message: Message) => void): Send<Message> => {
    const actor = start(receive)
    return (message) => actor.send({ type: "message", message })
  },
  spawnOnce: <Message>(receive: (message: Message) => void): Send<Message> => {
    const actor = start(receive)
    return (message) => {
      actor.send({ type: "message", message })
      actor.stop()
    }
  },
  close: () => {}
}))
