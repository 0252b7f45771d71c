/**
 * An actor with one reminder, which its process tells about on its standard output: `set`, `handling ID`, `rang TIMES`, and `quiet`
 * when there is nothing to remind of.
 */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { actor } from "../../src/Actor.ts"
import { ActorSystem } from "../../src/ActorSystem.ts"

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
export const runUntil = (command: ReadonlyArray<string>, word: string): Promise<ReadonlyArray<string>> =>
  new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] })
    const said: Array<string> = []
    let rest = ""
    let complaint = ""
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (complaint += chunk))
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n")
      rest = lines.pop()!
      for (const line of lines) {
        if (child.killed) return
        if (line.startsWith("handling") || line.startsWith("rang")) said.push(line)
        if (line.startsWith(word)) child.kill("SIGKILL")
      }
    })
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL") resolve(said)
      else reject(new Error(`the child ended with ${signal ?? code}: ${complaint}`))
    })
  })
