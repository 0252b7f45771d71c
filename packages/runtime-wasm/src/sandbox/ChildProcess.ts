/**
 * A sandbox child: a process of the runtime that this node runs on (Bun, Deno or Node), which compiles or runs
 * strangers' code and answers one request at a time.
 *
 * It gets nothing: an empty environment, `/` as its directory, no file handles but two pipes, few descriptors, no core
 * dumps, and on Deno no permission but to read that empty environment (msgpackr asks for it). A request that is not
 * answered in time, or uses too much memory, or is cancelled, ends with SIGKILL: nothing that the code does can delay
 * that. What the operating system does not offer here (/proc, a shell) makes a limit weaker, never an answer wrong.
 */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { readFile } from "node:fs/promises"
import process from "node:process"
import { childDataBytesMax, childDescriptorsMax, childNiceness, childStackKilobytes, memoryWatchMs } from "../Limits.ts"
import { ChildDied, type ChildError, ChildMemoryExceeded, ChildTimeout } from "./ChildError.ts"
import * as Frame from "./Frame.ts"
import type { Reaper } from "./ReaperProcess.ts"

export interface Child {
  readonly pid: number
  /** Sends a message and waits for the answer. Only one at a time. Interruption kills the child. */
  readonly request: (
    message: unknown,
    timeoutMs: number
  ) => Effect.Effect<unknown, Exclude<ChildError, { _tag: "PoolBusy" }>>
  readonly isAlive: () => boolean
  /** Kills the child and waits until it is gone. */
  readonly close: Effect.Effect<void>
}

export interface Options {
  readonly reaper: Reaper
  /** What it will be asked to do. */
  readonly role: "compile" | "run"
  /** Whether it gets its compilers ready before it is asked for one. */
  readonly preload: boolean
  /** Resident bytes at which the child is killed. */
  readonly memoryBytesMax: number
  /** Called once, when the process is gone. */
  readonly onExit: () => void
}

/** Starts a child. It has not answered anything yet. Fails with `ChildDied` when there is no process to be had. */
export const start = (options: Options): Effect.Effect<Child, ChildDied> =>
  Effect.callback<Child, ChildDied>((resume) => {
    const [command, args] = commandLine(options)
    const child = spawn(command, args, { cwd: "/", env: {}, stdio: ["pipe", "pipe", "ignore"] })
    child.once("error", (cause) => {
      options.onExit()
      resume(Effect.fail(new ChildDied({ reason: cause.message })))
    })
    child.once("spawn", () => {
      options.reaper.add(child.pid!)
      resume(Effect.succeed(converse(child as Spawned, options)))
    })
  })

/** The parts of node's ChildProcess that are used here, with its pipes present. */
type Spawned = Required<Pick<ReturnType<typeof spawn>, "pid" | "kill" | "once">> & {
  readonly stdin: NonNullable<ReturnType<typeof spawn>["stdin"]>
  readonly stdout: NonNullable<ReturnType<typeof spawn>["stdout"]>
}

type Fate = Exclude<ChildError, { _tag: "PoolBusy" }>

const converse = (child: Spawned, options: Options): Child => {
  const pid = child.pid!
  const decode = Frame.makeDecoder()
  let alive = true
  /** Why we killed it, when we did. */
  let fate: Fate | undefined
  let answer: ((effect: Effect.Effect<unknown, Fate>) => void) | undefined
  const gone: Array<() => void> = []

  const kill = (reason?: Fate) => {
    fate ??= reason
    if (alive) child.kill("SIGKILL")
  }
  child.stdin.on("error", () => {})
  child.stdout.on("data", (chunk: Uint8Array) => {
    try {
      for (const message of decode(chunk)) {
        const waiting = answer
        answer = undefined
        if (waiting === undefined) kill(new ChildDied({ reason: "it spoke without being asked" }))
        else waiting(Effect.succeed(message))
      }
    } catch (cause) {
      kill(new ChildDied({ reason: (cause as Error).message }))
    }
  })
  child.once("exit", (code: number | null, signal: string | null) => {
    alive = false
    options.reaper.remove(pid)
    const reason = signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`
    answer?.(Effect.fail(fate ?? new ChildDied({ reason })))
    answer = undefined
    options.onExit()
    for (const resolve of gone) resolve()
  })

  return {
    pid,
    isAlive: () => alive && fate === undefined,
    request: (message, timeoutMs) =>
      Effect.callback((resume) => {
        if (!alive || fate !== undefined) return resume(Effect.fail(fate ?? new ChildDied({ reason: "it is gone" })))
        const timer = setTimeout(() => kill(new ChildTimeout({ timeoutMs })), timeoutMs)
        const watch = watchMemory(pid, options.memoryBytesMax, kill)
        const settle = () => {
          clearTimeout(timer)
          clearInterval(watch)
        }
        answer = (effect) => {
          settle()
          resume(effect)
        }
        child.stdin.write(Frame.encode(message))
        return Effect.sync(() => {
          settle()
          answer = undefined
          kill(new ChildDied({ reason: "its request was cancelled" }))
        })
      }),
    close: Effect.callback((resume) => {
      if (!alive) return resume(Effect.void)
      gone.push(() => resume(Effect.void))
      kill(new ChildDied({ reason: "it was stopped" }))
    })
  }
}

/** Looks at the resident memory from time to time. Without /proc it sees nothing, and the other limits remain. */
const watchMemory = (pid: number, memoryBytesMax: number, kill: (reason: Fate) => void) =>
  setInterval(() => {
    readFile(`/proc/${pid}/statm`, "latin1").then(
      (text) => {
        const residentPages = Number(text.split(" ")[1])
        if (residentPages * 4096 > memoryBytesMax) kill(new ChildMemoryExceeded({ memoryBytesMax }))
      },
      () => {}
    )
  }, memoryWatchMs)

/** Whether this file runs as TypeScript; then the child's entry does, too. */
const isSource = import.meta.url.endsWith(".ts")
const entry = decodeURIComponent(
  new URL(isSource ? "./EntryProcess.ts" : "./EntryProcess.js", import.meta.url).pathname
)

/**
 * A shell sets the limits that a process can only inherit, then becomes the child, so there is no process in between.
 * `env -i`: Deno's `spawn` and the shell add variables of their own. $S is the stack that the engine may use, in
 * thousands of bytes: nearly all of a large one, so that QuickJS finds the end of its own stack first on every runtime.
 * $N makes it yield to the node, unless the node itself was started with a lower priority.
 */
const commandLine = ({ memoryBytesMax, preload, role }: Options): [command: string, args: ReadonlyArray<string>] => {
  const heap = `--max-old-space-size=${Math.ceil(memoryBytesMax / 2 ** 20)}`
  const runtime = ["bun", "deno"].find((name) => process.versions[name] !== undefined) ?? "node"
  const start = {
    // Bun does not start with a setting that its engine has given up; it is then left out. The child forgets them.
    bun: [
      `V="${bunSettings[role].join(" ")}"`,
      `$N /usr/bin/env -i $V "$1" --revision >/dev/null 2>&1 || V=`,
      `exec $N /usr/bin/env -i $V "$1" --no-install "$2" $3`
    ],
    deno: [
      `exec $N /usr/bin/env -i "$1" run --quiet --no-prompt --no-lock --allow-env "--v8-flags=${heap},--stack-size=$S" "$2" $3`
    ],
    node: [`exec $N /usr/bin/env -i "$1" ${heap} --stack-size=$S ${isSource ? "--conditions=source" : ""} "$2" $3`]
  }[runtime]!
  const script = [
    // Not as arguments of the shell: Deno's `spawn` rewrites arguments that come after its own path.
    `set -- ${quoted(process.execPath)} ${quoted(entry)} ${preload ? "preload" : ""}`,
    "ulimit -c 0",
    `ulimit -n ${childDescriptorsMax} 2>/dev/null`,
    `ulimit -d ${Math.ceil(childDataBytesMax / 1024)} 2>/dev/null`,
    `if ulimit -s ${childStackKilobytes} 2>/dev/null; then S=${childStackKilobytes - 5_000}; else S=900; fi`,
    `N=$(/usr/bin/nice 2>/dev/null) && [ "$N" -lt ${childNiceness} ] && N="/usr/bin/nice -n $((${childNiceness} - N))" || N=`,
    ...start
  ].join("\n")
  return ["/bin/sh", ["-c", script]]
}

/**
 * Settings of Bun's engine, which it takes as variables only. `useWasmFastMemory=0`: otherwise each instance with a
 * memory, from the fifth on, begins with a full garbage collection (10 ms instead of 0.01). `useOMGJIT=0`: its last tier
 * spends more time on the compilers' own code than a few compilations win (10 s of processor time became 7).
 */
const commonSettings = ["BUN_JSC_maxPerThreadStackUsage=${S}000", "BUN_JSC_useWasmFastMemory=0"]
const bunSettings = { run: commonSettings, compile: [...commonSettings, "BUN_JSC_useOMGJIT=0"] }

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
