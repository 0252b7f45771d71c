/** nact: each message is handled in a `setImmediate` of its own. */
import { dispatch, spawn, start, stop } from "nact"
import type { Send } from "./Library.ts"
import { measureAll } from "./MeasureAll.ts"

await measureAll(() => {
  const system = start()
  let names = 0
  const actorOf = <Message>(receive: (message: Message, self: unknown) => void) =>
    spawn<number, { readonly message: Message }>(
      system,
      (state, { message }, { self }) => {
        receive(message, self)
        return state
      },
      `actor${names++}`,
      { initialState: 0 }
    )
  return {
    spawn: <Message>(receive: (message: Message) => void): Send<Message> => {
      const actor = actorOf<Message>(receive)
      return (message) => dispatch(actor, { message })
    },
    spawnOnce: <Message>(receive: (message: Message) => void): Send<Message> => {
      const actor = actorOf<Message>((message, self) => {
        receive(message)
        stop(self)
      })
      return (message) => dispatch(actor, { message })
    },
    close: () => {}
  }
})
