/**
 * An actor with one reminder, which its process tells about on its standard output: `set`, `handling ID`, `rang TIMES`, and `quiet`
 * when there is nothing to remind of.
 */
import { Effect } from "effect"
import { actor } from "../../src/Actor.ts"
import { ActorSystem } from "../../src/ActorSystem.ts"
import { runUntilKilled } from "./UntilKilled.ts"

const Diary = actor("diary", {
  state: { wasSet: false, rang: 0 },
  begin: (state, _: void, context) => {
    if (state.wasSet) return state
    context.setReminder("once", { after: 1_500 }, "ring")
    return { ...state, wasSet: true }
  },
  ring: (state, _: void, { reminder }) => {
    console.log(`handling ${reminder!.id}`)
    return Effect.as(Effect.sleep(300), { ...state, rang: state.rang + 1 })
  },
  get: (state) => state
})

/** Runs until it is killed. */
export const remindForEver = async (dir: string): Promise<void> => {
  const system = await ActorSystem.start({ dir })
  const diary = system.ref(Diary, "d")
  const before = await diary.get()
  await diary.begin()
  if (!before.wasSet) console.log("set")
  if (before.rang > 0) {
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    console.log("quiet")
  }
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const { rang } = await diary.get()
    if (rang > before.rang) console.log(`rang ${rang}`)
  }
}

/** Starts the process, kills it with SIGKILL at its first line that begins with this word, and gives what it had said of reminders. */
export const runUntil = async (command: ReadonlyArray<string>, word: string): Promise<ReadonlyArray<string>> => {
  const heard: Array<string> = []
  let isKilled = false
  await runUntilKilled(command, (line, kill) => {
    if (isKilled) return
    if (line.startsWith("handling") || line.startsWith("rang")) heard.push(line)
    if (!line.startsWith(word)) return
    isKilled = true
    kill()
  })
  return heard
}
