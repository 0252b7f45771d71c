import { assert, describe, it } from "@effect/vitest"
import * as ContentId from "@continuum/core/ContentId"
import { version } from "@continuum/core/Version"
import { Effect, type Scope } from "effect"
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Cli from "./support/Cli.ts"
import * as TestNode from "./support/TestNode.ts"

const { bun, deno, denoCli, jtag, node: nodeCommand } = Cli.commands
const ways = { jtag, bun } as const
const eachWay = Object.entries(ways) as ReadonlyArray<[keyof typeof ways, ReadonlyArray<string>]>
const counter = "continuum://local/counter/cart-42"

/** A running node whose data folder has a space in its name, and the environment that finds it. */
const withNode = <A, E>(
  body: (node: TestNode.TestNode, variables: Record<string, string>) => Effect.Effect<A, E, Scope.Scope>
) =>
  Effect.gen(function* () {
    const folder = yield* Cli.temporaryFolder
    const node = yield* TestNode.start(join(folder, "my home"))
    return yield* body(node, { CONTINUUM_HOME: node.home, HOME: folder })
  }).pipe(Effect.scoped)

const denoCommand = (flags: ReadonlyArray<string>, words: ReadonlyArray<string>) => [
  ...deno,
  ...flags,
  denoCli,
  ...words
]

describe("the program", () => {
  for (const [name, command] of eachWay) {
    it.live(`talks to a node, as ${name}`, () =>
      withNode((node, variables) =>
        Effect.gen(function* () {
          const status = yield* Cli.spawnCommand([...command, "status", "--json"], { variables })
          assert.strictEqual(status.stderr, "")
          assert.strictEqual(status.code, 0)
          assert.strictEqual(JSON.parse(status.stdout).url, node.url)
          const payload = JSON.stringify({ "a b": "$HOME 'x' \"y\" * \\ ü" })
          const echo = yield* Cli.spawnCommand([...command, "actors", "ask", counter, "echo", payload], { variables })
          assert.deepStrictEqual(JSON.parse(echo.stdout), JSON.parse(payload))
        })
      )
    )

    it.live(`reads a source from stdin, and writes a large module to a pipe whole, as ${name}`, () =>
      withNode((node, variables) =>
        Effect.gen(function* () {
          const source = "(input) => input\n"
          const words = ["jit/compile", "--lang", "js", "--file", "-", "--json"]
          const compiled = yield* Cli.spawnCommand([...command, ...words], { variables, stdin: source })
          assert.strictEqual(JSON.parse(compiled.stdout).contentId, ContentId.of(source))
          const large = new Uint8Array(3_000_000).fill(0x61)
          node.modules.set(ContentId.of(large), large)
          const exported = yield* Cli.spawnCommand([...command, "modules/export", ContentId.of(large)], { variables })
          assert.strictEqual(exported.stdout.length, large.length)
        })
      )
    )

    it.live(`ends with 130 on Ctrl-C, and with 0 when a pipe is closed, as ${name}`, () =>
      withNode((_, variables) =>
        Effect.gen(function* () {
          const follow = [...command, "logs", "--follow", "--lines", "1"]
          const stopped = yield* Cli.spawnCommand(follow, { variables, onOutput: () => "SIGINT" })
          assert.strictEqual(stopped.code, 130)
          assert.strictEqual(stopped.stderr, "")
          const script = '"$@" | head -n 1; echo "exit ${PIPESTATUS[0]}"'
          const piped = yield* Cli.spawnCommand(["bash", "-c", script, "bash", ...follow], { variables })
          assert.match(piped.stdout, /entry -1 .*\nexit 0\n$/)
          assert.strictEqual(piped.stderr, "")
        })
      )
    )
  }

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
    for (const [name, command] of eachWay) {
      it.live(`colours results, and not when NO_COLOR is set, as ${name}`, () =>
        withNode((_, variables) =>
          Effect.gen(function* () {
            const words = [...command, "status"]
            const [colored, plain] = yield* Effect.all(
              [
                Cli.runInTerminal(words, { variables }),
                Cli.runInTerminal(words, { variables: { ...variables, NO_COLOR: "1" } })
              ],
              { concurrency: 2 }
            )
            assert.strictEqual(colored.code, 0)
            assert.include(colored.screen, "\u001b[2m")
            assert.strictEqual(plain.code, 0)
            assert.notInclude(plain.screen, "\u001b[")
          })
        )
      )
    }

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
