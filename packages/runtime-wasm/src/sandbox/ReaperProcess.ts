/**
 * No sandbox child outlives its node, not even when the node is killed with SIGKILL while the child spins in a loop
 * and cannot notice.
 *
 * A small shell waits on a pipe from the node. The node tells it the ids of its children; when the pipe closes, however
 * the node ended, the shell kills every child that is still listed. A child is listed before it gets its first
 * request, and a child without a request sees its own pipe close and exits by itself, so there is no gap.
 */
import { Effect, Schema, type Scope } from "effect"
import { spawn } from "node:child_process"

/** The shell that watches over the children could not be started. */
export class ReaperUnavailable extends Schema.TaggedError<ReaperUnavailable>()("ReaperUnavailable", {
  reason: Schema.String
}) {
  override get message() {
    return `The watcher of the sandbox children did not start: ${this.reason}. It needs a POSIX shell at /bin/sh`
  }
}

export interface Reaper {
  readonly add: (pid: number) => void
  readonly remove: (pid: number) => void
}

// `+7` lists process 7, `-7` takes it off. Only builtins, so that the end of the node needs no further process.
const script = `
children=' '
while read -r line; do
  id=\${line#?}
  case $line in
    +*) children="$children$id " ;;
    -*) children="\${children%% $id *} \${children#* $id }" ;;
  esac
done
for id in $children; do kill -9 "$id" 2>/dev/null; done
`

/** Starts the shell; it ends with the scope. Fails with `ReaperUnavailable`. */
export const make: Effect.Effect<Reaper, ReaperUnavailable, Scope.Scope> = Effect.acquireRelease(
  Effect.callback<Reaper & { readonly close: () => void }, ReaperUnavailable>((resume) => {
    // Its own process group: a Ctrl-C in the node's terminal must not end it before it has done its work.
    const shell = spawn("/bin/sh", ["-c", script], {
      cwd: "/",
      env: {},
      detached: true,
      stdio: ["pipe", "ignore", "ignore"]
    })
    shell.once("error", (cause) => resume(Effect.fail(new ReaperUnavailable({ reason: cause.message }))))
    shell.stdin.on("error", () => {})
    shell.once("spawn", () => {
      shell.unref()
      const tell = (line: string) => void (shell.stdin.writable && shell.stdin.write(line))
      resume(
        Effect.succeed({
          add: (pid) => tell(`+${pid}\n`),
          remove: (pid) => tell(`-${pid}\n`),
          // Watched again, so that its end is noticed.
          close: () => {
            shell.ref()
            shell.stdin.end()
          }
        })
      )
    })
  }),
  (reaper) => Effect.sync(reaper.close)
)
