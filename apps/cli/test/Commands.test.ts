import { assert, describe, it } from "@effect/vitest"
import * as ContentId from "@continuum/core/ContentId"
import { Effect, type Scope } from "effect"
import { contentBytesMax } from "@continuum/core/Limits"
import { BackendError } from "@continuum/genome/backend/BackendError"
import { CognitionError, ConversationElsewhere } from "@continuum/persona/PersonaError"
import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as ExitCode from "../src/ExitCode.ts"
import * as Cli from "./support/Cli.ts"
import * as TestNode from "./support/TestNode.ts"

/** A running node, and command lines for it. */
const withNode = <A, E>(
  body: (
    node: TestNode.TestNode,
    cli: (argv: ReadonlyArray<string>, options?: Cli.RunOptions) => Effect.Effect<Cli.Ran>
  ) => Effect.Effect<A, E, Scope.Scope>
) =>
  Effect.gen(function* () {
    const home = yield* Cli.temporaryFolder
    const node = yield* TestNode.start(home)
    return yield* body(node, (argv, options) =>
      Cli.run(argv, { ...options, variables: { CONTINUUM_HOME: home, ...options?.variables } })
    )
  }).pipe(Effect.scoped)

/** Exactly one JSON document and its line end. */
const document = (text: string): any => {
  assert.strictEqual(text.at(-1), "\n")
  assert.strictEqual(text.indexOf("\n"), text.length - 1)
  return JSON.parse(text)
}

const counter = "continuum://local/counter/cart-42"

describe("commands", () => {
  it.live("status, for a person and as JSON", () =>
    withNode((node, cli) =>
      Effect.gen(function* () {
        const text = yield* cli(["status"])
        assert.strictEqual(text.code, 0)
        assert.strictEqual(text.stderr, "")
        assert.match(text.stdout, /^name +tester$/m)
        assert.match(text.stdout, /^uptime +1 h 2 min$/m)
        assert.match(text.stdout, /^memory +84.2 MiB$/m)
        const json = document((yield* cli(["status", "--json"])).stdout)
        for (const key of [
          "name",
          "publicKey",
          "url",
          "uptimeSeconds",
          "peers",
          "actors",
          "modules",
          "layers",
          "personas"
        ]) {
          assert.property(json, key)
        }
        assert.strictEqual(json.url, node.url)
      })
    )
  )

  it.live("doctor: all well, or exit 1 with what to do", () =>
    withNode((node, cli) =>
      Effect.gen(function* () {
        const well = yield* cli(["doctor"])
        assert.strictEqual(well.code, 0)
        assert.include(well.stdout, "ok    home  writable")
        node.doctor = {
          ok: false,
          checks: [
            { name: "home", ok: true, detail: "writable" },
            { name: "state", ok: false, detail: "1 record is damaged", fix: "restore it from a backup" }
          ]
        }
        const ill = yield* cli(["doctor"])
        assert.strictEqual(ill.code, 1)
        assert.include(ill.stdout, "FAIL  state  1 record is damaged\n      fix: restore it from a backup")
        assert.include(ill.stderr, "1 of 2 checks failed")
        assert.deepStrictEqual(document((yield* cli(["doctor", "--json"])).stdout), node.doctor)
      })
    )
  )

  it.live("doctor without a node names that as the failing check, and exits 3", () =>
    Effect.gen(function* () {
      const home = yield* Cli.temporaryFolder
      const ran = yield* Cli.run(["doctor", "--json"], { variables: { CONTINUUM_HOME: home } })
      assert.strictEqual(ran.code, 3)
      const report = document(ran.stdout)
      assert.isFalse(report.ok)
      assert.include(report.checks[0].fix, "npm start")
    }).pipe(Effect.scoped)
  )

  it.live("logs: the last entries, one a line, one JSON document a line", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const text = yield* cli(["logs", "--lines", "3"])
        assert.deepStrictEqual(
          text.stdout.trimEnd().split("\n"),
          [-3, -2, -1].map((i) => `2026-01-02T03:04:05.000Z ${i % 2 === 0 ? "INFO " : "WARN "} entry ${i} i=${i}`)
        )
        const json = yield* cli(["logs", "--lines=2", "--json"])
        const lines = json.stdout.trimEnd().split("\n")
        assert.deepStrictEqual(
          lines.map((line) => JSON.parse(line).message),
          ["entry -2", "entry -1"]
        )
        assert.strictEqual((yield* cli(["logs"])).stdout.trimEnd().split("\n").length, 50)
        assert.strictEqual((yield* cli(["logs", "--lines", "0"])).stdout, "")
      })
    )
  )

  it.live("logs --follow goes on until its reader goes, which is no error", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const ran = yield* cli(["logs", "--follow", "--lines", "1"], { readerTakes: 250 })
        assert.strictEqual(ran.code, 0)
        assert.strictEqual(ran.stderr, "")
        assert.include(ran.stdout, "entry 2")
      })
    )
  )

  it.live("config shows each setting and where it comes from", () =>
    withNode((node, cli) =>
      Effect.gen(function* () {
        assert.match((yield* cli(["config"])).stdout, /^NAME +VALUE +FROM\nhome .* flag\nport +0 +default\n$/)
        assert.strictEqual(document((yield* cli(["config", "--json"])).stdout)[0].value, node.home)
      })
    )
  )

  it.live("down stops the node and returns when it is gone", () =>
    withNode((node, cli) =>
      Effect.gen(function* () {
        const ran = yield* cli(["down", "--json"])
        assert.strictEqual(ran.code, 0)
        assert.include(document(ran.stdout), { pid: process.pid, url: node.url, stopped: true })
        assert.isFalse(existsSync(join(node.home, "node.json")))
        assert.strictEqual((yield* cli(["status", "--node", node.url])).code, 3)
      })
    )
  )

  it.live("actors/ask sends JSON and prints the reply as JSON", () =>
    withNode((node, cli) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* cli(["actors/ask", counter, "add", "40"])).stdout, "40\n")
        assert.strictEqual((yield* cli(["actors", "ask", counter, "add", "2"])).stdout, "42\n")
        assert.strictEqual(node.counters.get(counter), 42)
        const json = yield* cli(["actors/ask", "--json", counter, "add", "-2"])
        assert.deepStrictEqual(document(json.stdout), { reply: 40, address: counter, message: "add" })
        assert.strictEqual((yield* cli(["actors/ask", counter, "echo"])).stdout, "null\n")
        assert.strictEqual((yield* cli(["actors/ask", counter, "echo", '{"a":["x"]}'])).stdout, '{"a":["x"]}\n')
      })
    )
  )

  it.live("actors/list, inspect and restart show actors; an empty list says what to do", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        assert.include((yield* cli(["actors/list"])).stdout, "No actors yet")
        assert.deepStrictEqual(document((yield* cli(["actors/list", "--json"])).stdout), [])
        yield* cli(["actors/ask", counter, "add", "7"])
        const list = (yield* cli(["actors/list"])).stdout
        assert.match(list, /^ADDRESS +STATE +MAILBOX +PROCESSED +RESTARTS +PRIORITY +NODE\n/)
        assert.include(list, counter)
        assert.include((yield* cli(["actors/list", "--kind", "module"])).stdout, 'No actors of kind "module"')
        const inspected = (yield* cli(["actors/inspect", counter])).stdout
        assert.match(inspected, /^value +7$/m)
        assert.match(inspected, /^failure .*RangeError: too much$/m)
        assert.strictEqual(document((yield* cli(["actors/inspect", counter, "--json"])).stdout).stateValue, 7)
        assert.include((yield* cli(["actors/restart", counter])).stdout, `${counter} is idle again`)
        assert.include((yield* cli(["actors/migrate", counter, "--to", "bee"])).stdout, `${counter} runs on bee`)
        const backup = yield* cli(["actors/backup", "/tmp/copies"])
        assert.strictEqual(backup.stdout, "/tmp/copies/actors-2026.mdb holds all stored states (64.0 KiB)\n")
        assert.include((yield* cli(["actors/backup"])).stdout, "/home/backups/")
        assert.strictEqual((yield* cli(["actors/backup", "here"])).code, 1)
        assert.strictEqual(
          (yield* cli(["actors/compact"])).stdout,
          "The stored states take 64.0 KiB now, before 2.9 MiB\n"
        )
        const stays = yield* cli(["actors/migrate", counter, "--to", "nowhere"])
        assert.strictEqual(stays.code, 1)
        assert.include(stays.stderr, "was not moved to bee: it is not durable")
        assert.include((yield* cli(["actors/deadletters"])).stdout, "No dead letters")
      })
    )
  )

  it.live("scheduler/queue shows who waits, and scheduler/trace draws who had a turn when", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const queue = yield* cli(["scheduler/queue"])
        assert.match(queue.stdout, /Helper AI +answer\/1 +waits +129\.5/)
        assert.match(queue.stdout, /continuum:\/\/local\/counter\/a +128 +48 messages/)
        assert.include(queue.stdout, "5 ended by a better actor")
        const folder = yield* Cli.temporaryFolder
        const file = join(folder, "turns.svg")
        const drawn = yield* cli(["scheduler/trace", "--record", "10", "--out", file])
        assert.strictEqual(drawn.stdout, `${file}: 0 turns of personas, 1 of actors\n`)
        assert.strictEqual(readFileSync(file, "utf8"), "<svg></svg>")
        const { out, ...rest } = JSON.parse((yield* cli(["scheduler/trace", "--out", file, "--json"])).stdout)
        assert.deepStrictEqual([out, rest.entries, rest.svg], [file, [], undefined])
        assert.strictEqual(JSON.parse((yield* cli(["scheduler/trace", "--json"])).stdout).svg, "<svg></svg>")
        assert.strictEqual((yield* cli(["scheduler/trace", "--record", "0"])).code, 2)
        const lost = yield* cli(["scheduler/trace", "--out", join(folder, "none", "turns.svg")])
        assert.strictEqual(lost.code, 2)
      })
    )
  )

  it.live("actors/stop, forget and watch: forgetting wants --yes, and watching prints an event a line", () =>
    withNode((node, cli) =>
      Effect.gen(function* () {
        yield* cli(["actors/ask", counter, "add", "7"])
        const stopped = yield* cli(["actors/stop", counter])
        assert.strictEqual(stopped.stdout, `${counter} is stopped. It starts again with: actors/restart\n`)
        const careful = yield* cli(["actors/forget", counter])
        assert.strictEqual(careful.code, 2)
        assert.include(careful.stderr, `all that is stored of ${counter}, for good. If you mean it, add --yes`)
        assert.isTrue(node.counters.has(counter))
        const watched = yield* cli(["actors/watch", counter])
        assert.match(watched.stdout, /^2026-01-02T03:04:05.000Z started\n2026\S+ restarts in 10 ms\n$/)
        const lines = (yield* cli(["actors/watch", counter, "--json"])).stdout.trimEnd().split("\n")
        assert.deepStrictEqual(
          lines.map((line) => JSON.parse(line).event._tag),
          ["Started", "Restarted"]
        )
        const inspected = (yield* cli(["actors/inspect", counter])).stdout
        assert.match(inspected, /^reminder +2026-01-03T03:04:05.000Z get \(daily, every 1 d 0 h\)$/m)
        assert.match(inspected, /^reminder +2026-01-04T03:04:05.000Z add \(once\)$/m)
        assert.notInclude(inspected, "it is full")
        const past = (yield* cli(["actors/inspect", counter, "--timeline"])).stdout
        assert.match(past, /^TIME +WHAT +MESSAGE +DETAIL\n\S+ +started +-\n\S+ +refused +add +it is full$/m)
        const forgotten = yield* cli(["actors/forget", counter, "--yes", "--json"])
        assert.deepStrictEqual(document(forgotten.stdout), { address: counter })
        assert.isFalse(node.counters.has(counter))
      })
    )
  )

  it.live("jit/run prints the output alone on stdout and the rest on stderr", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const words = ["jit/run", "--lang", "js", "--source", "(input) => [input]", "--input", "21"]
        const first = yield* cli(words)
        assert.strictEqual(first.stdout, "[21]\n")
        assert.match(
          first.stderr,
          /^[0-9a-f]{64} {2}on tester {2}fuel 12,345 {2}1.3 ms {2}cache compiled {2}tier wasm\n$/
        )
        const second = yield* cli([...words, "--json"])
        assert.strictEqual(second.stderr, "")
        const json = document(second.stdout)
        assert.deepStrictEqual([json.output, json.cache], [[21], "hit"])
        assert.include(second.stdout, '"output":[21]')
        const byId = yield* cli(["jit", "run", json.contentId.toUpperCase(), "--input=null", "--json"])
        assert.deepStrictEqual(document(byId.stdout).output, [null])
      })
    )
  )

  it.live("jit/compile reads its source from a word or a file, and reports what was made", () =>
    withNode((node, cli) =>
      Effect.gen(function* () {
        const text = (yield* cli(["jit/compile", "--lang", "js", "--source", "x => x", "--sample", "1"])).stdout
        assert.match(text, /^content id +[0-9a-f]{64}$/m)
        assert.match(text, /^signature +\(f64\) => f64$/m)
        const file = join(node.home, "f.wasm")
        const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 0xff, 0xfe])
        writeFileSync(file, bytes)
        const json = document(
          (yield* cli(["jit/compile", "--lang", "wasm", "--file", file, "--version", "2", "--json"])).stdout
        )
        assert.strictEqual(json.contentId, ContentId.of(bytes))
        for (const key of ["contentId", "bytes", "lang", "compiledBy", "ms"]) assert.property(json, key)
      })
    )
  )

  it.live("modules/list and modules/export give modules out, and refuse to garble a terminal", () =>
    withNode((node, cli) =>
      Effect.gen(function* () {
        assert.include((yield* cli(["modules/list"])).stdout, "No modules yet")
        const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 0xff])
        const id = ContentId.of(bytes)
        node.modules.set(id, bytes)
        const list = (yield* cli(["modules/list"])).stdout
        assert.match(list, /^NAME +VERSION/)
        assert.include(list, id)
        assert.include(list, "56,789")

        const refused = yield* cli(["modules/export", id], { isTerminal: true })
        assert.strictEqual(refused.code, 2)
        assert.strictEqual(refused.stdout, "")
        assert.include(refused.stderr, "--out")

        const out = join(node.home, "out.wasm")
        const written = yield* cli(["modules/export", id, "--out", out], { isTerminal: true })
        assert.strictEqual(written.code, 0)
        assert.deepStrictEqual(new Uint8Array(readFileSync(out)), bytes)
        const json = document((yield* cli(["modules/export", id, "--json"], { isTerminal: true })).stdout)
        assert.deepStrictEqual(new Uint8Array(Buffer.from(json.base64, "base64")), bytes)

        node.modules.set(id, new Uint8Array([1, 2, 3]))
        const lie = yield* cli(["modules/export", id, "--json"])
        assert.strictEqual(lie.code, 1)
        assert.strictEqual(lie.stdout, "")
        assert.include(lie.stderr, "have another id")

        const nowhere = yield* cli(["modules/export", id.replace(/./, "f"), "--out", out])
        assert.strictEqual(nowhere.code, 1)
        node.modules.set(id, bytes)
        for (const [path, part] of [
          ["", "--out needs the name of a file"],
          [join(node.home, "no/such.wasm"), `there is no folder "${join(node.home, "no")}". Make it first`],
          [node.home, "it is a folder. Name a file in it"],
          [join(out, "x.wasm"), `"${out}" is no folder`],
          [join(node.home, "x".repeat(300)), "too long"]
        ] as const) {
          const wrong = yield* cli(["modules/export", id, "--out", path])
          assert.strictEqual(wrong.code, 2, path)
          assert.strictEqual(wrong.stdout, "", path)
          assert.include(wrong.stderr, part, path)
          assert.include(wrong.stderr, "modules/export --help", path)
        }
        const full = yield* cli(["modules/export", id, "--out", "/dev/full"])
        assert.strictEqual(full.code, 1)
        assert.include(full.stderr, "/dev/full was not written: the disk is full")
      })
    )
  )
})

describe("wrong usage", () => {
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, ReadonlyArray<string>]> = [
    [["staus"], ['Unknown command "staus"', "Did you mean status?"]],
    [
      ["jit", "rnu"],
      ['Unknown command "jit/rnu"', "Did you mean jit/run?"]
    ],
    [["staus", "--help"], ["Did you mean status?"]],
    [["help", "staus"], ["Did you mean status?"]],
    [["frobnicate"], ['Unknown command "frobnicate"', "./jtag --help"]],
    [["jit"], ["jit/compile, jit/run"]],
    [
      ["status", "--jsno"],
      ["Unknown flag --jsno of status", "Did you mean --json?"]
    ],
    [
      ["jit/run", "--lnag", "js"],
      ["Unknown flag --lnag of jit/run", "Did you mean --lang?", "./jtag jit/run --help"]
    ],
    [["status", "--wizard"], ["Unknown flag --wizard"]],
    [
      ["status", "extra"],
      ["status takes no further", '"extra"']
    ],
    [["status", "--node"], ["--node needs a value"]],
    [["status", "--node", "ftp://x"], ["--node is not the URL of a node"]],
    [
      ["logs", "--lines", "many"],
      ['--lines cannot be "many"', "a number"]
    ],
    [
      ["logs", "--lines", "1.5"],
      ['--lines cannot be "1.5"', "a whole number"]
    ],
    [["logs", "--lines", "10001"], ["from 0 to 10000"]],
    [
      ["ai/generate", "--prompt", "x", "--temperature", "nan"],
      ['--temperature cannot be "nan"', "a number"]
    ],
    [["completions", "csh"], ["bash, zsh, fish"]],
    [["completions"], ["completions needs SHELL"]],
    [["actors/inspect"], ["actors/inspect needs ADDRESS"]],
    [
      ["actors/inspect", "counter"],
      ['"counter" is not an address', "continuum://local/counter/cart-42"]
    ],
    [["actors/restart", "continuum://local/counter"], ["is not an address"]],
    [["actors/ask", counter, "add", "{a:1}"], ["The payload is not JSON: {a:1}"]],
    [
      ["actors/ask", counter, "add", "1e400"],
      ["The payload cannot be sent", "a number beyond 1.79"]
    ],
    [["actors/ask", "nowhere", "add", "1"], ["is not an address"]],
    [["STATUS"], ["Did you mean status?"]],
    [["jit/run", "--input", "1"], ["needs a CONTENT_ID, or --lang L and --source S or --file F"]],
    [["jit/run", "--lang", "js", "--source", "x"], ["jit/run needs --input"]],
    [["jit/run", "--lang", "js", "--input", "1"], ["jit/run needs its source"]],
    [["jit/run", "--lang", "js", "--source", "x", "--file", "y", "--input", "1"], ["give one"]],
    [["jit/run", "a".repeat(64), "--lang", "js", "--input", "1"], ["give one of them"]],
    [["jit/run", "abc", "--input", "1"], ['"abc" is not a content id']],
    [["jit/run", "--lang", "js", "--source", "x", "--input", "twentyone"], ["--input is not JSON: twentyone"]],
    [["jit/run", "--lang", "js", "--source", "x", "--input", "1", "--fuel", "0"], ["a number above 0"]],
    [["jit/compile", "--source", "x"], ["jit/compile needs --lang"]],
    [["jit/compile", "--lang", "js", "--source", "x", "--sample", "{"], ["--sample is not JSON"]],
    [["modules/export", "abc"], ['"abc" is not a content id']]
  ]

  it.live("exits 2, says what is wrong on stderr and prints nothing, with and without --json", () =>
    withNode((node, cli) =>
      Effect.gen(function* () {
        for (const [argv, parts] of cases) {
          const line = argv.join(" ")
          const ran = yield* cli(argv)
          assert.strictEqual(ran.code, 2, line)
          assert.strictEqual(ran.stdout, "", line)
          for (const part of parts) assert.include(ran.stderr, part, line)
          const json = yield* cli(["--json", ...argv])
          assert.strictEqual(json.code, 2, line)
          assert.strictEqual(json.stdout, "", line)
          const { error } = document(json.stderr)
          assert.strictEqual(error.exitCode, 2, line)
          assert.isString(error.tag, line)
          assert.isString(error.message, line)
        }
        assert.deepStrictEqual(node.keysSeen, [], "nothing of this reached the node")
      })
    )
  )

  it.live("names a file that cannot be read, and one that no node would keep", () =>
    withNode((node, cli) =>
      Effect.gen(function* () {
        const ran = yield* cli(["jit/compile", "--lang", "js", "--file", "/no/such/file.js"])
        assert.strictEqual(ran.code, 1)
        assert.include(ran.stderr, "/no/such/file.js cannot be read: it does not exist")
        const folder = yield* cli(["jit/compile", "--lang", "js", "--file", node.home])
        assert.strictEqual(folder.code, 1)
        assert.include(folder.stderr, `${node.home} cannot be read`)
        const large = join(node.home, "large.wasm")
        writeFileSync(large, "")
        truncateSync(large, contentBytesMax + 1)
        const tooLarge = yield* cli(["jit/compile", "--lang", "wasm", "--file", large])
        assert.strictEqual(tooLarge.code, 1)
        assert.include(tooLarge.stderr, "more than the 67108864 bytes")
      })
    )
  )
})

describe("peers", () => {
  const key = "ybndrfg8ejkmcpqxot1uwisza345h769ybndrfg8ejkmcpqxot1y"

  it.live("are added with the line that the other side's owner types, listed and removed", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const added = yield* cli(["peers/add", key])
        assert.strictEqual(added.code, 0, added.stderr)
        assert.include(added.stdout, `bee (${key}) is connected, and may use this node`)
        const own = document((yield* cli(["status", "--json"])).stdout).publicKey
        assert.include(added.stdout, `./jtag peers/add ${own}\n`)
        assert.include((yield* cli(["peers/list"])).stdout, key)
        assert.include((yield* cli(["peers/remove", key])).stdout, "may do nothing here now")
      })
    )
  )

  it.live("are granted single actions, and a word that is none is refused before anything is called", () =>
    withNode((node, cli) =>
      Effect.gen(function* () {
        const some = yield* cli(["peers/add", key, "--grant", "jit.run, content.read"])
        assert.include(some.stdout, "may do this here: jit.run, content.read.")
        const json = document((yield* cli(["peers/add", key, "--grant", "actors.ask", "--json"])).stdout)
        assert.deepStrictEqual(json.grants, ["actors.ask"])
        node.peers.clear()
        const wrong = yield* cli(["peers/add", key, "--grant", "actors.ask,everything"])
        assert.strictEqual(wrong.code, 2)
        assert.include(wrong.stderr, 'knows no action "everything"')
        assert.include(wrong.stderr, "actors.ask, actors.manage, actors.migrate, jit.run, jit.compile, content.read")
        assert.strictEqual(node.peers.size, 0)
      })
    )
  )
})

describe("questions to personas", () => {
  it.live("ai/generate streams the answer, and says on stderr how it came to be", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const ran = yield* cli(["ai/generate", "--prompt", "sort dcba", "--persona", "Teacher AI"])
        assert.deepStrictEqual([ran.code, ran.stdout], [0, 'I heard {"prompt":"sort dcba"}\n'])
        assert.strictEqual(
          ran.stderr,
          "Teacher AI  on tester  model with sorting  confidence 90 %  3,456 tokens  first after 1.5 ms  all after 20 ms\n"
        )
        const spaced = yield* cli(["ai", "generate", "--prompt=x", "--conversation", "c", "--seed", "7", "--tokens=5"])
        assert.include(spaced.stdout, '{"prompt":"x","conversation":"c","sampling":{"seed":7},"tokensMax":5}')
        const layers = yield* cli(["ai/generate", "--prompt=x", "--layers", "sorting, dates", "--temperature", "0.5"])
        assert.include(layers.stdout, '"layers":["sorting","dates"],"sampling":{"temperature":0.5}')
        assert.include((yield* cli(["ai/generate", "--prompt=x", "--layers", ""])).stdout, '"layers":[]')
        const elsewhere = yield* cli(["ai/generate", "--prompt=x", "--mesh", "bee"])
        assert.include(elsewhere.stdout, '{"prompt":"x","mesh":"bee"}')
        assert.include(elsewhere.stderr, `on tester (${"y".repeat(52)})`)
      })
    )
  )

  it.live("ai/generate --json is one document with text, persona, node and trace", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const ran = yield* cli(["ai/generate", "--prompt", "hello", "--json"])
        const json = document(ran.stdout)
        assert.deepStrictEqual(
          [json.text, json.persona, json.node, json.reason],
          ['I heard {"prompt":"hello"}', "Helper AI", "tester", "stop"]
        )
        assert.strictEqual(json.nodeKey, "y".repeat(52))
        for (const key of ["bids", "layers", "tokens", "ttftMs", "ms", "cost"]) assert.property(json.trace, key)
        assert.strictEqual(ran.stderr, "")
      })
    )
  )

  it.live("ai/generate tells an error in mid-answer on a line of its own, and with --json no half answer", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const words = ["ai/generate", "--persona", "fail", "--prompt", "BackendFailed", "--conversation", "c"]
        const ran = yield* cli(words)
        assert.deepStrictEqual([ran.code, ran.stdout], [1, "so far\n"])
        assert.include(ran.stderr, "its process was killed")
        const json = yield* cli([...words, "--json"])
        assert.deepStrictEqual([json.code, json.stdout], [1, ""])
        assert.strictEqual(document(json.stderr).error.tag, "BackendFailed")
        const unknown = yield* cli(["ai/generate", "--persona", "fail", "--prompt", "PersonaUnknown"])
        assert.strictEqual(unknown.code, 1)
        assert.include(unknown.stderr, 'Did you mean "Teacher AI"?')
        assert.strictEqual((yield* cli(["ai/generate", "--prompt", "x", "--tokens", "0"])).code, 2)
        assert.strictEqual((yield* cli(["ai/generate", "--prompt", "x", "--temperature", "3"])).code, 2)
        assert.strictEqual((yield* cli(["ai/generate"])).code, 2)
      })
    )
  )

  it.live("layers/list, for a person and as JSON", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const text = yield* cli(["layers/list"])
        assert.match(text.stdout, /^sorting +1.0.0 +domain +tiny +8 +warm +4 +75 % +[0-9a-f]{64}$/m)
        const [one] = document((yield* cli(["layers", "list", "--json"])).stdout)
        for (const key of ["contentId", "name", "kind", "base", "rank", "state", "uses", "successRate"]) {
          assert.property(one, key)
        }
      })
    )
  )

  it.live("personas/list, for a person and as JSON", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const text = yield* cli(["personas/list"])
        assert.match(text.stdout, /^Teacher AI +teacher-ai +Explains +tiny +sorting, dates +128 +2 +idle$/m)
        const [one] = document((yield* cli(["personas", "list", "--json"])).stdout)
        for (const key of ["name", "address", "base", "layers", "priority", "state"]) assert.property(one, key)
      })
    )
  )
})

describe("errors of the node", () => {
  it.live("reach the user with their message and their exit code, every one that the contract declares", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const ofPersonas = [...CognitionError.members, ...BackendError.members, ConversationElsewhere]
        const actorErrors = new Set(["AddressMalformed", "HandlerFailed"])
        const movingErrors = new Map([
          ["MigrationRefused", ["actors/migrate", counter, "--to", "nowhere"]],
          ["StorageFailed", ["actors/backup", "here"]],
          ["ServiceKept", ["actors/stop", "continuum://local/service/http"]]
        ])
        const peerErrors = new Set(["MeshOff", "PeerMalformed", "GrantNotStored"])
        yield* cli(["actors/ask", counter, "add", "1"])
        for (const error of Object.values(TestNode.errors)) {
          const argv = actorErrors.has(error._tag)
            ? ["actors/ask", counter, "fail", JSON.stringify(error._tag)]
            : (movingErrors.get(error._tag) ??
              (ofPersonas.some((Class) => error instanceof Class)
                ? ["ai/generate", "--persona", "fail", "--prompt", error._tag]
                : peerErrors.has(error._tag)
                  ? ["peers/add", `fail/${error._tag}`]
                  : ["jit/run", "--lang", "fail", "--source", error._tag, "--input", "1"]))
          const ran = yield* cli(argv)
          assert.strictEqual(ran.code, ExitCode.of(error), error._tag)
          assert.strictEqual(ran.stdout, "", error._tag)
          assert.include(ran.stderr, error.message.split("\n", 1).join(), error._tag)
          const json = document((yield* cli([...argv, "--json"])).stderr)
          assert.strictEqual(json.error.tag, error._tag)
          assert.strictEqual(json.error.message, error.message)
        }
      })
    )
  )

  it.live("tell where a source is wrong in numbers too", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const ran = yield* cli(["jit/run", "--lang", "fail", "--source", "SourceMalformed", "--input", "1", "--json"])
        assert.deepInclude(document(ran.stderr).error, { line: 1, column: 5, lang: "js" })
      })
    )
  )

  it.live("include a defect of the node, which sends the user to the logs", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const ran = yield* cli(["actors/ask", counter, "break"])
        assert.strictEqual(ran.code, 1)
        assert.include(ran.stderr, "a broken invariant")
        assert.include(ran.stderr, "./jtag logs")
      })
    )
  )
})

describe("on a terminal", () => {
  it.live("results and errors are coloured, JSON never", () =>
    withNode((_, cli) =>
      Effect.gen(function* () {
        const escape = "\u001b["
        assert.include((yield* cli(["status"], { isTerminal: true })).stdout, escape)
        assert.include((yield* cli(["staus"], { isTerminal: true })).stderr, escape)
        assert.notInclude((yield* cli(["status", "--json"], { isTerminal: true })).stdout, escape)
        assert.notInclude((yield* cli(["status"])).stdout, escape)
      })
    )
  )
})
