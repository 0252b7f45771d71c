import { assert, describe, it } from "@effect/vitest"
import { version } from "@continuum/core/Version"
import { Effect } from "effect"
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { behavesAsProgram, counter, withNode } from "./support/Program.ts"
import * as Cli from "./support/Cli.ts"

const { bun, deno, denoCli, jtag, node: nodeCommand } = Cli.commands
const denoCommand = (flags: ReadonlyArray<string>, words: ReadonlyArray<string>) => [
  ...deno,
  ...flags,
  denoCli,
  ...words
]

behavesAsProgram("jtag", jtag)

describe("the program", () => {
  it.live("prints the same help and the same errors, byte for byte, on Bun, Deno and Node", () =>
    Effect.gen(function* () {
      const lines = [["--help"], ["help", "jit", "run"], ["jit/rnu"]]
      const transcript = (words: ReadonlyArray<string>, { code, stderr, stdout }: Cli.Ran) =>
        `$ continuum ${words.join(" ")}\n${stdout}${stderr}exit ${code}\n\n`
      const here = yield* Effect.forEach(lines, (words) => Effect.map(Cli.run(words), (ran) => transcript(words, ran)))
      assert.strictEqual(here.join(""), readFileSync(join(import.meta.dirname, "golden/help.txt"), "utf8"))
      const commands = [bun, denoCommand(["--no-prompt"], []), nodeCommand]
      const children = yield* Effect.forEach(
        commands.flatMap((command) => [lines[0]!, lines[2]!].map((words) => ({ command, words }))),
        ({ command, words }) =>
          Effect.map(Cli.spawnCommand([...command, ...words]), (ran) => [transcript(words, ran), words] as const),
        { concurrency: 2 }
      )
      for (const [text, words] of children) assert.strictEqual(text, here[lines.indexOf(words as Array<string>)])
    })
  )
})

describe("on Deno without permissions", () => {
  it.live("version, help and wrong usage need none, and nothing is asked", () =>
    Effect.gen(function* () {
      for (const [flags, words, code] of [
        [[], ["--version"], 0],
        [["--no-prompt"], ["--version"], 0],
        [["--no-prompt"], ["status", "--help"], 0],
        [["--no-prompt"], ["status", "--frob"], 2]
      ] as const) {
        const ran = yield* Cli.spawnCommand(denoCommand(flags, words))
        assert.strictEqual(ran.code, code, words.join(" "))
        assert.notMatch(ran.stderr, /permission|--allow/)
        if (words[0] === "--version") assert.strictEqual(ran.stdout, `continuum ${version}\n`)
      }
    })
  )

  it.live("names what is missing on stderr, with a command that grants it", () =>
    withNode((node, variables) =>
      Effect.gen(function* () {
        const words = ["actors/ask", counter, "echo", '"it\'s"']
        const ran = yield* Cli.spawnCommand(denoCommand([], words), { variables })
        assert.strictEqual(ran.code, 2)
        assert.strictEqual(ran.stdout, "")
        for (const part of ["env ", "CONTINUUM_API_KEY", "read ", "net "]) assert.include(ran.stderr, part)

        const suggestion = /^ +(deno run .*)$/m.exec(ran.stderr)?.[1] ?? ""
        const script = suggestion.replace(/^deno run/, "$DENO run").replace("apps/cli", "$CLI")
        const granted = yield* Cli.spawnCommand(["sh", "-c", script], {
          variables: { ...variables, DENO: deno[0], CLI: denoCli }
        })
        assert.strictEqual(granted.stdout, `${'"it\'s"'}\n`)

        const environment = "--allow-env=CONTINUUM_NODE,CONTINUUM_HOME,CONTINUUM_API_KEY,HOME"
        const withoutNet = yield* Cli.spawnCommand(denoCommand([environment, "--allow-read"], ["status"]), {
          variables
        })
        assert.strictEqual(withoutNet.code, 2)
        assert.match(withoutNet.stderr, new RegExp(`^ +net +${new URL(node.url).host}$`, "m"))
        assert.notMatch(withoutNet.stderr, /^ +(read|env) /m)

        const json = yield* Cli.spawnCommand(denoCommand([environment], ["status", "--json"]), { variables })
        assert.strictEqual(json.stdout, "")
        const { error } = JSON.parse(json.stderr)
        assert.strictEqual(error.tag, "PermissionMissing")
        assert.deepStrictEqual(error.missing, [`read ${node.home}`, "net"])
      })
    )
  )
})

describe("jtag", () => {
  it.live("works from any folder and through a link of a link", () =>
    withNode((_, variables) =>
      Effect.gen(function* () {
        const folder = yield* Cli.temporaryFolder
        mkdirSync(join(folder, "bin dir"))
        symlinkSync(jtag[0], join(folder, "first"))
        symlinkSync("../first", join(folder, "bin dir/second"))
        const ran = yield* Cli.spawnCommand([join(folder, "bin dir/second"), "status"], { variables, cwd: "/" })
        assert.strictEqual(ran.stderr, "")
        assert.strictEqual(ran.code, 0)
      })
    )
  )

  it.live("grants files only when a flag names one", () =>
    withNode((node, variables) =>
      Effect.gen(function* () {
        const file = join(variables["HOME"]!, "f.js")
        writeFileSync(file, "(input) => input")
        const out = join(variables["HOME"]!, "out, module.wasm")
        const words = ["jit/compile", "--lang", "js", `--file=${file}`, "--json"]
        const compiled = yield* Cli.spawnCommand([...jtag, ...words], { variables })
        const { contentId } = JSON.parse(compiled.stdout)
        const exported = yield* Cli.spawnCommand([...jtag, "modules/export", contentId, "--out", out], { variables })
        assert.strictEqual(exported.stderr, "")
        assert.strictEqual(readFileSync(out, "utf8"), "(input) => input")
        const elsewhere = { HOME: "/nowhere" }
        const home = yield* Cli.spawnCommand([...jtag, "--home", node.home, "status"], { variables: elsewhere })
        assert.strictEqual(home.code, 0)
      })
    )
  )

  it.live("can wait for a node that takes its time to stop", () =>
    withNode((node, variables) =>
      Effect.gen(function* () {
        node.stopMs = 500
        const ran = yield* Cli.spawnCommand([...jtag, "down", "--json"], { variables })
        assert.strictEqual(ran.stderr, "")
        const { ms, stopped } = JSON.parse(ran.stdout)
        assert.isTrue(stopped)
        assert.isAtLeast(ms, 500)
        assert.isFalse(existsSync(join(node.home, "node.json")))
      })
    )
  )

  it.live("reads a pipe that is named as a file, and of a device that never ends no more than a node keeps", () =>
    withNode((_, variables) =>
      Effect.gen(function* () {
        const compile = '"$0" jit/compile --lang js --json --file'
        const script = (file: string) => ["bash", "-c", `${compile} ${file}`, jtag[0]]
        const piped = yield* Cli.spawnCommand(script("<(echo '(input) => input')"), { variables })
        assert.strictEqual(piped.stderr, "")
        assert.strictEqual(JSON.parse(piped.stdout).bytes, "(input) => input\n".length)
        const endless = yield* Cli.spawnCommand(script("/dev/zero"), { variables })
        assert.strictEqual(endless.code, 1)
        assert.include(endless.stderr, "/dev/zero cannot be read: it has more than")
        const folder = yield* Cli.spawnCommand(script("/tmp"), { variables })
        assert.include(folder.stderr, "/tmp cannot be read: it is a folder")
      })
    )
  )

  it.live("says in a line that its output could not be written, and needs nobody to read its remarks", () =>
    withNode((_, variables) =>
      Effect.gen(function* () {
        const script = (redirected: string) => ["bash", "-c", `"$0" ${redirected}`, jtag[0]]
        const full = yield* Cli.spawnCommand(script("status >/dev/full"), { variables })
        assert.strictEqual(full.code, 1)
        assert.match(full.stderr, /^error: The output was not written: .*\n$/)
        const run = "jit/run --lang js --source 'x => x' --input 21 2>/dev/full"
        const unread = yield* Cli.spawnCommand(script(run), { variables })
        assert.deepStrictEqual([unread.code, unread.stdout], [0, "[21]\n"])
      })
    )
  )

  it.live("says what to do when Deno is not installed", () =>
    Effect.gen(function* () {
      const folder = yield* Cli.temporaryFolder
      copyFileSync(jtag[0], join(folder, "jtag"))
      const ran = yield* Cli.spawnCommand([join(folder, "jtag"), "status"])
      assert.strictEqual(ran.code, 1)
      assert.include(ran.stderr, "npm install")
    }).pipe(Effect.scoped)
  )
})

/** Types an answer while a question of Deno is open. */
const answering = (typed: string) => (screen: string) => {
  const count = (word: string) => screen.split(word).length - 1
  return count("Allow?") > count("Granted") + count("Denied") ? typed : undefined
}

// Only Bun has pseudo-terminals of its own.
if (Cli.hasTerminal) {
  describe("on a terminal", () => {
    it.live("Deno asks for what the program needs, and it goes on or says what is missing", () =>
      withNode((_, variables) =>
        Effect.gen(function* () {
          const words = denoCommand([], ["status"])
          const [granted, denied] = yield* Effect.all(
            [
              Cli.runInTerminal(words, {
                variables,
                answer: answering("y\n")
              }),
              Cli.runInTerminal(words, {
                variables,
                answer: answering("n\n")
              })
            ],
            { concurrency: 2 }
          )
          assert.strictEqual(granted.code, 0)
          assert.strictEqual(granted.screen.split("Granted").length - 1, 3, "env, read, net: one question each")
          assert.strictEqual(denied.code, 2)
          assert.strictEqual(denied.screen.split("Denied").length - 1, 1)
          assert.include(denied.screen, "--allow-env=CONTINUUM_NODE")
        })
      )
    )
  })
}
