/** nact: each message is handled in a `setImmediate` of its own. */
import { dispatch, spawn, start } from "nact"
import type { Send } from "./Library.ts"
import { measureAll } from "./MeasureAll.ts"

await measureAll(() => {
  const system = start()
  let names = 0
  return {
    spawn: <Message>(receive: (message: Message) => void): Send<Message> => {
      const actor = spawn<number, { readonly message: Message }>(
        system,
        (state, { message }) => {
          receive(message)
          return state
        },
        `actor${names++}`,
        { initialState: 0 }
      )
      return (message) => dispatch(actor, { message })
    },
    close: () => {}
  }
})
