import { assert, describe, it } from "@effect/vitest"
import * as Arguments from "../src/Arguments.ts"

const commands = ["status", "jit/run", "jit/compile", "modules/list"]
const normalize = (...argv: ReadonlyArray<string>) => Arguments.normalize(argv, commands)

describe("Arguments", () => {
  it("reads a command written with a space as the one with a slash", () => {
    assert.deepStrictEqual(normalize("jit", "run", "--input", "1"), normalize("jit/run", "--input", "1"))
    assert.deepStrictEqual(normalize("--node", "http://x", "jit", "run").words, ["--node", "http://x", "jit/run"])
    assert.deepStrictEqual(normalize("--home=x", "modules", "list").words, ["--home=x", "modules/list"])
  })

  it("joins a noun with any verb, so that a mistyped one is found out as a whole", () => {
    assert.strictEqual(normalize("jit", "rnu").command, "jit/rnu")
  })

  it("leaves words after the command alone, even if they are named like a noun", () => {
    assert.deepStrictEqual(normalize("jit/run", "jit", "run").words, ["jit/run", "jit", "run"])
    assert.deepStrictEqual(normalize("status", "jit").words, ["status", "jit"])
  })

  it("takes the value of a flag for no command", () => {
    assert.strictEqual(normalize("--home", "jit", "status").command, "status")
    assert.strictEqual(normalize("--json", "status").command, "status")
  })

  it("names a noun that stands alone", () => {
    assert.deepStrictEqual(normalize("jit"), { words: [], noun: "jit" })
    assert.deepStrictEqual(normalize("jit", "--help"), { words: ["--help"], noun: "jit" })
  })

  it("turns help into the flag", () => {
    assert.deepStrictEqual(normalize("help"), { words: ["--help"] })
    assert.deepStrictEqual(normalize("help", "jit", "run"), { words: ["jit/run", "--help"], command: "jit/run" })
    assert.deepStrictEqual(normalize("help", "jit"), { words: ["--help"], noun: "jit" })
    assert.deepStrictEqual(normalize("help", "help"), { words: ["--help", "--help"] })
  })

  it("keeps --json from taking the next word as its value", () => {
    assert.deepStrictEqual(normalize("status", "--json", "1").words, ["status", "--json=true", "1"])
    assert.deepStrictEqual(normalize("status", "--", "--json").words, ["status", "--", "--json"])
  })

  it("knows whether errors are wanted as JSON, before -- only", () => {
    assert.isTrue(Arguments.wantsJson(["status", "--json"]))
    assert.isTrue(Arguments.wantsJson(["--json=true", "status"]))
    assert.isFalse(Arguments.wantsJson(["status"]))
    assert.isFalse(Arguments.wantsJson(["actors/ask", "x", "y", "--", "--json"]))
  })
})
