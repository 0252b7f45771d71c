/** XState: transition logic. `send` runs the receiver on the sender's stack unless that is busy. */
import { createActor, fromTransition } from "xstate"
import type { Send } from "./Library.ts"
import { measureAll } from "./MeasureAll.ts"

interface Event {
  readonly type: "message"
  readonly message: unknown
}

await measureAll(() => ({
  spawn: <Message>(receive: (message: Message) => void): Send<Message> => {
    const actor = createActor(
      fromTransition((state: number, { message }: Event) => {
        receive(message as Message)
        return state
      }, 0)
    ).start()
    return (message) => actor.send({ type: "message", message })
  },
  close: () => {}
}))
