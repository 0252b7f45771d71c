/** What the program does as a process, whatever runs it: `jtag` in the quick tests, Bun and Node in the long ones. */
import * as ContentId from "@continuum/core/ContentId"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { join } from "node:path"
import * as Cli from "./Cli.ts"
import * as TestNode from "./TestNode.ts"

export const counter = "continuum://local/counter/cart-42"

/** A running node whose data folder has a space in its name, and the environment that finds it. */
export const withNode = <A, E>(
  body: (node: TestNode.TestNode, variables: Record<string, string>) => Effect.Effect<A, E, Scope.Scope>
) =>
  Effect.gen(function* () {
    const folder = yield* Cli.temporaryFolder
    const node = yield* TestNode.start(join(folder, "my home"))
    return yield* body(node, { CONTINUUM_HOME: node.home, HOME: folder })
  }).pipe(Effect.scoped)

/** The tests for one way to start it. */
export const behavesAsProgram = (name: string, command: ReadonlyArray<string>): void => {
  describe(`the program, as ${name}`, () => {
    it.live("talks to a node", () =>
      withNode((node, variables) =>
        Effect.gen(function* () {
          const status = yield* Cli.spawnCommand([...command, "status", "--json"], { variables })
          assert.strictEqual(status.stderr, "")
          assert.strictEqual(status.code, 0)
          assert.strictEqual(JSON.parse(status.stdout).url, node.url)
          const payload = JSON.stringify({ "a b": "$HOME 'x' \"y\" * \\ ü" })
          const echo = yield* Cli.spawnCommand([...command, "actors", "ask", counter, "echo", payload], { variables })
          assert.deepStrictEqual(JSON.parse(echo.stdout), JSON.parse(payload))
          // A port that Deno and Node refuse to connect to by themselves.
          const blocked = yield* Cli.spawnCommand([...command, "status", "--node", "127.0.0.1:1"], { variables })
          assert.strictEqual(blocked.code, 3)
          assert.include(blocked.stderr, "No node answers at http://127.0.0.1:1")
        })
      )
    )

    it.live("reads a source from stdin, and writes a large module to a pipe whole", () =>
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

    it.live("ends with 130 on Ctrl-C, and with 0 when a pipe is closed", () =>
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

    // Only Bun has pseudo-terminals of its own.
    if (Cli.hasTerminal) {
      it.live("colours results, and not when NO_COLOR is set", () =>
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
  })
}
