/** Our actors: one type whose state is the function. Supervision and counters are on, as always; nothing is stored. */
import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import type { Send } from "./Library.ts"
import { measureAll } from "./MeasureAll.ts"

type Receive = (message: unknown) => void

const Function_ = Actor.actor(
  "function",
  {
    state: (() => {}) as Receive,
    become: (_: Receive, receive: Receive) => receive,
    receive: (receive: Receive, message: unknown) => {
      receive(message)
      return receive
    }
  },
  { mailboxCapacity: 100_000 }
)

const Once = Actor.actor(
  "once",
  {
    state: undefined as Receive | undefined,
    become: (_: Receive | undefined, receive: Receive) => receive,
    receive: (receive: Receive | undefined, message: unknown, context) => {
      receive!(message)
      context.end()
      return receive
    }
  },
  { mailboxCapacity: 100_000 }
)

await measureAll(async () => {
  const system = await ActorSystem.start({ freeze: false })
  let names = 0
  return {
    spawn: <Message>(receive: (message: Message) => void): Send<Message> => {
      const { tell } = system.ref(Function_, String(names++))
      tell.become(receive as Receive)
      return (message) => tell.receive(message)
    },
    spawnOnce: <Message>(receive: (message: Message) => void): Send<Message> => {
      const { tell } = system.ref(Once, String(names++))
      tell.become(receive as Receive)
      return (message) => tell.receive(message)
    },
    close: () => system.stop()
  }
})
