import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Commands from "../src/Commands.ts"
import * as Cli from "./support/Cli.ts"

/** What bash would offer for a line, by the generated script. The last word is the one being typed. */
const offers = Effect.fnUntraced(function* (script: string, words: ReadonlyArray<string>) {
  const quoted = words.map((word) => `'${word}'`).join(" ")
  const program = [
    script,
    `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; COMP_LINE="${words.join(" ")}"; COMP_POINT=\${#COMP_LINE}`,
    `_continuum '${words[0]}' '${words.at(-1)}' '${words.at(-2)}'`,
    'printf "%s\\n" "${COMPREPLY[@]}"',
    "complete -p jtag continuum"
  ].join("\n")
  const ran = yield* Cli.spawnCommand(["bash", "--norc", "-c", program])
  assert.strictEqual(ran.stderr, "")
  return ran.stdout.trim().split("\n")
})

describe("completions", () => {
  it.live("for bash are a script that bash can parse, and that offers commands, flags and values", () =>
    Effect.gen(function* () {
      const folder = yield* Cli.temporaryFolder
      const { code, stdout: script } = yield* Cli.run(["completions", "bash"])
      assert.strictEqual(code, 0)
      writeFileSync(join(folder, "script"), script)
      const parsed = yield* Cli.spawnCommand(["bash", "-n", join(folder, "script")])
      assert.deepStrictEqual(parsed, { code: 0, stdout: "", stderr: "" })

      const commands = yield* offers(script, ["continuum", ""])
      for (const name of Commands.names) assert.include(commands, name)
      assert.include(yield* offers(script, ["jtag", "jit/"]), "jit/compile")
      const flags = yield* offers(script, ["continuum", "jit/run", "--"])
      for (const flag of ["--lang", "--source", "--input", "--fuel", "--json", "--node", "--help"]) {
        assert.include(flags, flag)
      }
      assert.notInclude(flags, "--sample")
      assert.include(yield* offers(script, ["continuum", "completions", ""]), "zsh")
      const registered = yield* offers(script, ["continuum", ""])
      assert.include(registered, "complete -F _continuum jtag")
      assert.include(registered, "complete -F _continuum continuum")
    }).pipe(Effect.scoped)
  )

  it.live("for zsh and fish name every command and jtag", () =>
    Effect.gen(function* () {
      for (const [shell, parts] of [
        ["zsh", ["#compdef continuum jtag\n", "compdef _continuum jtag"]],
        ["fish", ["complete --command jtag --wraps continuum"]]
      ] as const) {
        const { stdout: script } = yield* Cli.run(["completions", shell])
        for (const part of [...parts, ...Commands.names]) assert.include(script, part, shell)
        assert.notInclude(script, "--completions")
      }
    })
  )

  it.live("are a document with --json", () =>
    Effect.gen(function* () {
      const { stdout } = yield* Cli.run(["completions", "fish", "--json"])
      assert.strictEqual(JSON.parse(stdout).shell, "fish")
    })
  )
})
