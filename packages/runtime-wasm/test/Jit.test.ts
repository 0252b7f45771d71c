import { ActorSystem } from "@continuum/actors/ActorSystem"
import { fuelPerMessage } from "@continuum/actors/Limits"
import { ContentStore } from "@continuum/core/ContentStore"
import { Jit } from "@continuum/runtime-wasm/Jit"
import * as Limits from "@continuum/runtime-wasm/Limits"
import { CompileError, RunError } from "@continuum/runtime-wasm/JitError"
import { JitRpcs, RunResult } from "@continuum/runtime-wasm/rpc"
import { Sandbox } from "@continuum/runtime-wasm/sandbox/Sandbox"
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { longestTurn, layer as nodeLayer, run } from "./support/Node.ts"

const double = "(input) => input * 2"
/** `(module (func (export "run") (param i32) (result i32) <body>))` */
const wat = (body: string) => `(module (func (export "run") (param i32) (result i32) ${body}))`

layer(nodeLayer, { excludeTestServices: true, timeout: "60 seconds" })("Jit", (it) => {
  it.effect("compiles a function, answers, and does not compile it again", () =>
    Effect.gen(function* () {
      const first = yield* run(double, 21)
      assert.deepInclude(first, { output: 42, cache: "compiled", node: "here" })
      assert.deepInclude(first.report, { tier: "wasm", abi: "scalar1", signature: "(f64) => f64" })
      assert.isAbove(first.report.tested, 40)
      const second = yield* run(double, 4)
      assert.deepInclude(second, { output: 8, cache: "hit", contentId: first.contentId, fuel: first.fuel })
      const byId = yield* (yield* Jit).run({ target: { contentId: first.contentId }, input: 5 })
      assert.deepInclude(byId, { output: 10, cache: "hit" })
      assert.deepStrictEqual(Schema.decodeUnknownSync(RunResult)(Schema.encodeSync(RunResult)(first)), first)
    })
  )

  it.effect("compiles another variant for another type, and answers by id whatever the type", () =>
    Effect.gen(function* () {
      const numbers = yield* run(double, 21)
      const texts = yield* run(double, "21")
      assert.deepInclude(texts, { output: 42, cache: "compiled" })
      assert.notStrictEqual(texts.contentId, numbers.contentId)
      assert.strictEqual(texts.report.tier, "quickjs")
      assert.deepInclude(yield* run(double, "4"), { output: 8, cache: "hit" })
      const jit = yield* Jit
      const other = yield* jit.run({ target: { contentId: numbers.contentId }, input: "21" })
      assert.strictEqual(other.output, 42)
      assert.deepInclude(other.report, { tier: "quickjs", signature: "(f64) => f64" })
      assert.match(other.report.reason!, /does not cover this input/)
    })
  )

  it.effect("runs at home what is asked of this node by its own name", () =>
    Effect.gen(function* () {
      const jit = yield* Jit
      const ran = yield* jit.run({ target: { lang: "js", source: double }, input: 3, mesh: "here" })
      assert.deepInclude(ran, { output: 6, node: "here" })
    })
  )

  it.effect(
    "has a run in the node's thread pay for the thread with its fuel, so that other actors get their turns",
    () =>
      Effect.gen(function* () {
        const { scheduler } = yield* ActorSystem
        const sum = "(n) => { let s = 0; for (let i = 0; i < n; i++) s += i % 7; return s }"
        const { contentId, fuel } = yield* run(sum, 2_000)
        assert.isBelow(fuel, Limits.inThreadFuelMax)
        const [recorded] = yield* Effect.all(
          [
            scheduler.record("300 millis"),
            // Of those that come together, all but the first wait for a turn.
            Effect.all(
              Array.from({ length: 4 }, () => run(sum, 2_000)),
              { concurrency: "unbounded" }
            )
          ],
          { concurrency: "unbounded" }
        )
        const own = recorded.turns.filter(({ address }) => address.endsWith(contentId))
        const work = own.reduce((total, turn) => total + turn.work, 0)
        assert.isAtLeast(work, (3 * fuel) / fuelPerMessage)
      })
  )

  it.effect("shares one compilation among equal requests that arrive together", () =>
    Effect.gen(function* () {
      const results = yield* Effect.all(
        Array.from({ length: 5 }, (_, n) => run("(n) => n + 1000", n)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        results.map((one) => one.output),
        [1000, 1001, 1002, 1003, 1004]
      )
      assert.strictEqual(results.filter((one) => one.cache === "compiled").length, 1)
    })
  )

  it.effect("passes numbers that JSON lacks as their names", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* run(double, Infinity)).output, "Infinity")
      assert.deepStrictEqual((yield* run("(x) => [x / 0, 0 / 0, { a: -1 / 0 }]", 1)).output, [
        "Infinity",
        "NaN",
        { a: "-Infinity" }
      ])
    })
  )

  it.effect("runs wat, with old spellings, and wasm", () =>
    Effect.gen(function* () {
      const text = yield* run(wat("get_local 0 i32.const 2 i32.mul"), 21, { lang: "wat" })
      assert.deepInclude(text, { output: 42, cache: "compiled" })
      assert.strictEqual(text.report.signature, "(i32) => i32")
      const binary = yield* (yield* Jit).exportModule(text.contentId)
      assert.deepInclude(yield* run(binary, 4, { lang: "wasm" }), { output: 8, cache: "compiled" })
    })
  )

  it.effect("lists modules with their use, and exports them", () =>
    Effect.gen(function* () {
      const jit = yield* Jit
      const compiled = yield* jit.compile({ lang: "js", source: "(n) => n - 1", name: "previous", version: "1.2" })
      assert.deepInclude(compiled, { lang: "js", compiledBy: "here" })
      const result = yield* jit.run({ target: { contentId: compiled.contentId }, input: 3 })
      yield* jit.run({ target: { contentId: compiled.contentId }, input: 4 })
      const found = (yield* jit.modules).find((one) => one.contentId === compiled.contentId)
      assert.deepInclude(found, {
        name: "previous",
        version: "1.2",
        variant: "(f64) => f64",
        uses: 2,
        failures: 0,
        seeds: 1,
        state: "seeded"
      })
      assert.strictEqual(found!.fuelMean, result.fuel)
      assert.strictEqual(found!.bytes, (yield* jit.exportModule(compiled.contentId)).length)
      assert.strictEqual(found!.address, `continuum://local/module/${compiled.contentId}`)
    })
  )

  it.effect("refuses a content id that is none, or that nobody here knows", () =>
    Effect.gen(function* () {
      const jit = yield* Jit
      assert.strictEqual(
        (yield* Effect.flip(jit.run({ target: { contentId: "xyz" }, input: 1 })))._tag,
        "ContentIdMalformed"
      )
      const unknown = "0".repeat(64)
      assert.strictEqual(
        (yield* Effect.flip(jit.run({ target: { contentId: unknown }, input: 1 })))._tag,
        "ContentUnknown"
      )
      assert.strictEqual((yield* Effect.flip(jit.exportModule(unknown)))._tag, "ContentUnknown")
    })
  )

  it.effect("compiles again what the content store has lost", () =>
    Effect.gen(function* () {
      const first = yield* run("(n) => n - 7", 1)
      yield* (yield* ContentStore).remove(first.contentId)
      const second = yield* run("(n) => n - 7", 2)
      assert.strictEqual(second.contentId, first.contentId)
      assert.strictEqual(second.output, -5)
    })
  )

  const refusals: ReadonlyArray<
    readonly [
      what: string,
      source: string,
      input: unknown,
      tag: string,
      message: RegExp,
      options?: { readonly lang?: string; readonly fuelMax?: number; readonly timeoutMs?: number }
    ]
  > = [
    ["an unknown language", "print(1)", 1, "LanguageUnavailable", /It compiles: js, wat, wasm/, { lang: "cobol" }],
    ["a source that does not parse", "(n) => {\n  return n +* 2 }", 1, "SourceMalformed", /line 2, column 13/],
    ["wat that does not parse", "(module (func (export", 1, "SourceMalformed", /line 1/, { lang: "wat" }],
    ["process", "() => process.env", 1, "SourceRefused", /"process" at line 1, column 7/],
    ["require", "() => require('fs')", 1, "SourceRefused", /"require"/],
    ["fetch", "() => fetch('http://example.com')", 1, "SourceRefused", /"fetch"/],
    [
      "a way around the names",
      "(x) => x.constructor.constructor('return process')()",
      1,
      "RunFailed",
      /'process' is not defined/
    ],
    ["an endless loop that is compiled", "(n) => { while (true) { n += 1 } }", 1, "FuelExhausted", /used up its fuel/],
    ["an endless loop that is interpreted", "(o) => { while (true) {} }", {}, "FuelExhausted", /used up its fuel/],
    [
      "an endless loop in wat",
      wat("(loop (br 0)) unreachable"),
      1,
      "FuelExhausted",
      /used up its fuel/,
      { lang: "wat", fuelMax: 100_000_000 }
    ],
    [
      "a loop that its time ends before its fuel",
      "(o) => { while (true) {} }",
      {},
      "RunTimeout",
      /within 300 ms/,
      { fuelMax: 90_000_000_000, timeoutMs: 300 }
    ],
    [
      "a regular expression that never ends",
      "(s) => /(a+)+$/.test(s)",
      `${"a".repeat(40)}!`,
      "FuelExhausted",
      /fuel/,
      { fuelMax: 100_000_000 }
    ],
    [
      "a memory bomb",
      "(o) => { const all = []; for (;;) all.push(new Uint8Array(1 << 20)) }",
      {},
      "MemoryExceeded",
      /more than its 67108864 bytes/
    ],
    ["a huge string", "(n) => 'x'.repeat(2 ** 29)", 1, "MemoryExceeded", /more than its/],
    [
      "a recursion without end that is compiled",
      "function f(n) { return n < 0 ? 0 : 1 + f(n + 1) }",
      1,
      "RunFailed",
      /stack overflow|too deeply/
    ],
    [
      "a recursion without end that is interpreted",
      "(o) => { const f = () => f() + 1; return f() }",
      {},
      "RunFailed",
      /stack overflow/
    ],
    ["a thrown error", "(n) => { throw new TypeError('no ' + n) }", 1, "RunFailed", /TypeError: no 1/],
    ["a trap", wat("unreachable"), 1, "RunFailed", /unreachable/, { lang: "wat" }],
    [
      "an import",
      '(module (import "env" "now" (func (result i32))) (func (export "run") (result i32) call 0))',
      [],
      "ModuleRefused",
      /"env\.now"/,
      { lang: "wat" }
    ],
    [
      "a memory larger than allowed",
      '(module (memory 2000) (func (export "run") (param i32) (result i32) local.get 0))',
      1,
      "ModuleRefused",
      /memory/,
      { lang: "wat" }
    ],
    ["an output that is too large", "(n) => 'x'.repeat(2000000)", 1, "RunFailed", /larger than/],
    ["an output that is no data", "(n) => () => n", 1, "RunFailed", /a function, which is no plain data/],
    [
      "a getter that loops",
      "(n) => ({ get a() { for (;;) {} } })",
      1,
      "FuelExhausted",
      /fuel/,
      { fuelMax: 100_000_000 }
    ],
    [
      "a proxy that lies",
      "(n) => new Proxy([], { get: (t, k) => (k === 'length' ? 1e9 : 'x') })",
      1,
      "FuelExhausted",
      /fuel/,
      { fuelMax: 100_000_000 }
    ],
    ["an input that does not fit", wat("local.get 0"), "text", "InputMalformed", /i32|integer/, { lang: "wat" }],
    ["too few arguments", "(a, b) => a + b", [1], "InputMalformed", /2 values/],
    [
      "an input that is too large",
      double,
      "x".repeat(Limits.inputCharactersMax),
      "InputMalformed",
      /more than 1048576/
    ],
    ["an input that is no data", double, () => 1, "InputMalformed", /no plain data/],
    ["a generator", "function* g(n) { yield n }", 1, "SourceMalformed", /generator/],
    ["fuel of less than it takes", double, 1, "FuelExhausted", /fuel of 3 instructions\./, { fuelMax: 3 }],
    ["fuel of one instruction", double, 1, "FuelExhausted", /fuel of 1 instruction\./, { fuelMax: 1 }]
  ]
  for (const [what, source, input, tag, message, options] of refusals) {
    it.effect(`refuses ${what}, and stays responsive`, () =>
      Effect.gen(function* () {
        let error: { readonly _tag: string; readonly message: string } | undefined
        const turnMs = yield* longestTurn(
          Effect.flip(run(source, input, options)).pipe(
            Effect.tap((failed) => Effect.sync(() => void (error = failed)))
          )
        )
        assert.strictEqual(error!._tag, tag, error!.message)
        assert.match(error!.message, message)
        assert.isBelow(turnMs, 250)
      })
    )
  }

  it.effect("refuses a module that is too large, and one that is none", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(run(new Uint8Array(Limits.moduleBytesMax + 1), 1, { lang: "wasm" }))
      assert.strictEqual(error._tag, "ModuleRefused")
      assert.strictEqual(
        (yield* Effect.flip(run(new Uint8Array([1, 2, 3]), 1, { lang: "wasm" })))._tag,
        "ModuleMalformed"
      )
      assert.strictEqual((yield* Effect.flip(run("text", 1, { lang: "wasm" })))._tag, "ModuleMalformed")
    })
  )

  it.effect("does not hang on a source that is large and deep", () =>
    Effect.gen(function* () {
      const sum = `(n) => ${Array.from({ length: 300 }, (_, i) => `n * ${i}`).join(" + ")}`
      assert.strictEqual((yield* run(sum, 1)).output, 44_850)
      const deep = `(n) => ${"[".repeat(100_000)}n${"]".repeat(100_000)}`
      assert.strictEqual((yield* Effect.flip(run(deep, 1)))._tag, "SourceMalformed")
      const large = `(n) => { let s = 0; ${"s += n * 2; ".repeat(5_000)} return s }`
      const ran = yield* Effect.exit(run(large, 1))
      assert.isDefined(ran)
      // Whatever became of it, the next one is served.
      assert.strictEqual((yield* run(double, 1)).output, 2)
    })
  )

  it.effect("stays responsive while several endless runs are under way, and answers others meanwhile", () =>
    Effect.gen(function* () {
      const endless = Effect.flip(run("(o) => { for (;;) {} }", {}, { fuelMax: 90_000_000_000, timeoutMs: 1_500 }))
      const other = Effect.flip(
        run(wat("(loop (br 0)) unreachable"), 1, { lang: "wat", fuelMax: 90_000_000_000, timeoutMs: 1_500 })
      )
      const turnMs = yield* longestTurn(
        Effect.gen(function* () {
          const [a, b, quick] = yield* Effect.all([endless, other, run(double, 3)], { concurrency: "unbounded" })
          assert.deepStrictEqual([a._tag, b._tag, quick.output], ["RunTimeout", "RunTimeout", 6])
        })
      )
      assert.isBelow(turnMs, 250)
    })
  )

  it.effect("counts failures, shows a trap to who inspects the module, and lets it wait before the next try", () =>
    Effect.gen(function* () {
      const jit = yield* Jit
      const system = yield* ActorSystem
      const trap = wat("i32.const 1 i32.const 0 i32.div_s")
      const { contentId } = yield* jit.compile({ lang: "wat", source: trap })
      for (let call = 0; call < 3; call++) {
        const error = yield* Effect.flip(jit.run({ target: { contentId }, input: 1 }))
        assert.strictEqual(error._tag, "RunFailed")
      }
      const detail = yield* system.inspect(`continuum://local/module/${contentId}`)
      assert.isAtLeast(detail.restarts, 2)
      assert.match(detail.failures[0]!.cause, /RunFailed/)
      assert.strictEqual(detail.failures[0]!.messageName, "run")
      // The node does not care.
      assert.strictEqual((yield* run(double, 8)).output, 16)
    })
  )

  it.effect("counts an error that the function means as a failure, but does not restart for it", () =>
    Effect.gen(function* () {
      const jit = yield* Jit
      const system = yield* ActorSystem
      const { contentId } = yield* jit.compile({
        lang: "js",
        source: "(o) => { throw new Error('always') }",
        sample: {}
      })
      for (let call = 0; call < 3; call++) yield* Effect.flip(jit.run({ target: { contentId }, input: {} }))
      const found = (yield* jit.modules).find((one) => one.contentId === contentId)
      assert.deepInclude(found, { uses: 3, failures: 3 })
      const detail = yield* system.inspect(`continuum://local/module/${contentId}`)
      assert.deepInclude(detail, { restarts: 0, failures: [] })
    })
  )

  it.effect("can be asked as an actor, by anyone who has its address", () =>
    Effect.gen(function* () {
      const { contentId } = yield* run(double, 1)
      const system = yield* ActorSystem
      const address = `continuum://local/module/${contentId}`
      const reply = yield* system.askUnknown(address, "run", { input: 21 })
      assert.deepInclude(reply as object, { output: 42, fuel: 4 })
      const unknown = yield* Effect.flip(
        system.askUnknown(`continuum://local/module/${"0".repeat(64)}`, "run", { input: 1 })
      )
      assert.strictEqual(unknown._tag, "AddressUnknown")
    })
  )

  it.effect("fails with errors that its contract names", () =>
    Effect.gen(function* () {
      const rpc = JitRpcs.requests.get("jit.run")!
      const isKnown = Schema.is(rpc.errorSchema)
      for (const source of ["process", "(n) => n +* 1", "(n) => n.a.b"]) {
        assert.isTrue(isKnown(yield* Effect.flip(run(source, 1))), source)
      }
      assert.isDefined([CompileError, RunError])
    })
  )

  it.effect("leaves no child busy", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox
      assert.isAtMost(sandbox.pids().length, Limits.runChildrenMax + Limits.compileChildrenMax)
    })
  )
})
