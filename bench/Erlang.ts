/**
 * Erlang as a peer: a module of ours is compiled, and its `main/1` runs on Erlang's VM with one scheduler, since our actors
 * have one thread.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { basename, join } from "node:path"

/** The command line that runs a module of this repository. Throws what the compiler says when it does not compile. */
export const commandOf = (root: string, path: string): ReadonlyArray<string> => {
  const outDir = join(root, ".cache/bench/erlang")
  mkdirSync(outDir, { recursive: true })
  const { status, stderr, stdout } = spawnSync("erlc", ["-o", outDir, join(root, path)], { encoding: "utf8" })
  if (status !== 0) throw new Error(`erlc refuses ${path}: ${stdout}${stderr}`)
  const module = basename(path, ".erl")
  // `-extra`: what the runner adds goes to the program.
  return ["erl", "+S", "1:1", "-noshell", "-noinput", "-pa", outDir, "-run", module, "main", "-extra"]
}
