import * as ValueType from "@continuum/runtime-wasm/compile/ValueType"
import * as Limits from "@continuum/runtime-wasm/Limits"
import * as Manifest from "@continuum/runtime-wasm/Manifest"
import { Sandbox, layer as sandboxLayer } from "@continuum/runtime-wasm/sandbox/Sandbox"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"

/** Compiles in a child, for inputs like the sample. */
const compile = (source: string, sample?: unknown) =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox
    const file = yield* sandbox.compile("js", source, sample === undefined ? undefined : ValueType.of(sample))
    return { file, manifest: Manifest.readUnsafe(file).manifest }
  })

/** Runs a module file in a child. */
const run = (file: Uint8Array, input: unknown) =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox
    const module = yield* sandbox.load(file)
    const limits = { fuelMax: 100_000_000, timeoutMs: Limits.runTimeoutMsMax, interpret: false }
    const ran = yield* sandbox.run({ key: Manifest.readUnsafe(file).manifest.source, module, input, ...limits })
    return {
      interpreted: ran.interpreted,
      output: "output" in ran ? ran.output : undefined,
      error: "error" in ran ? ran.error : undefined
    }
  })

/** The engine that runs these tests, for sources that they themselves contain. */
const native = (source: string, input: unknown): unknown => {
  const main = new Function(`"use strict"; return (${source})`)() as (...args: Array<unknown>) => unknown
  return main.length > 1 ? main(...(input as Array<unknown>)) : main(structuredClone(input))
}

/** Compiles for the first input, and compares the answers to all of them with the native engine's. */
const agrees = (source: string, inputs: ReadonlyArray<unknown>) =>
  Effect.gen(function* () {
    const { file, manifest } = yield* compile(source, inputs[0])
    for (const input of inputs) {
      const ran = yield* run(file, input)
      const what = `${source} for ${JSON.stringify(input)}`
      try {
        assert.deepStrictEqual(ran.output, native(source, structuredClone(input)), what)
      } catch (error) {
        if ((error as Error).name === "AssertionError") throw error
        assert.match(JSON.stringify(ran.error), new RegExp((error as Error).name), what)
      }
    }
    return manifest
  })

layer(sandboxLayer, { excludeTestServices: true })("JavaScript", (it) => {
  it.effect("gives no `this` at the top, as a module has none, and takes a function without a name", () =>
    Effect.gen(function* () {
      for (const source of [
        "(x) => this === undefined && x",
        "function (x) { return this === undefined && x }",
        "const self = this;\n(x) => self === undefined && x",
        "(x) => { function inner() { return this } return inner() === undefined && x }"
      ]) {
        const { file } = yield* compile(source, [true])
        assert.deepStrictEqual((yield* run(file, [true])).output, [true], source)
      }
      const { file, manifest } = yield* compile("function (n) { return n + 1 }", 1)
      assert.strictEqual(manifest.engine, "wasm")
      assert.strictEqual((yield* run(file, 41)).output, 42)
    })
  )

  // Compiled
  it.effect("makes a function of numbers a tested module that takes and gives floats", () =>
    Effect.gen(function* () {
      const manifest = yield* agrees("(input) => input * 2", [21, 2.5, -0, NaN, Infinity, 1e308])
      assert.deepInclude(manifest, { engine: "wasm", abi: "scalar1", signature: "(f64) => f64", tested: 48 })
    })
  )

  it.effect("keeps the meaning of every operator on numbers", () =>
    Effect.gen(function* () {
      const source = `(x, y) => [
      x + y, x - y, x * y, x / y, x % y, x ** 2, -x, +x, x | y, x & y, x ^ y, x << y, x >> y, x >>> y, ~x,
      x < y ? 1 : 0, x <= y ? 1 : 0, x > y ? 1 : 0, x >= y ? 1 : 0, x === y ? 1 : 0, x != y ? 1 : 0,
      x ? 1 : 0, !x ? 1 : 0, x && y ? 1 : 0, x || y ? 1 : 0, Boolean(x) ? 1 : 0, isNaN(x) ? 1 : 0, Number.isInteger(y) ? 1 : 0,
      Math.abs(x), Math.floor(x), Math.ceil(x), Math.trunc(x), Math.round(x), Math.sign(x), Math.sqrt(x), Math.min(x, y, 1),
      Math.max(x, y), Math.atan2(x, y), Math.exp(x), Math.cbrt(x), Math.hypot(x, y), Math.PI, Number.MAX_SAFE_INTEGER
    ]`
      const { manifest } = yield* compile(source, [1, 2])
      assert.deepInclude(manifest, { engine: "wasm", signature: "(f64, f64) => f64[]", tested: 46 })
    })
  )

  it.effect("keeps the meaning of loops, assignments, conditions and recursion", () =>
    Effect.gen(function* () {
      const source = `function collatz(n) {
      let steps = 0, most = n
      for (let i = 0; n > 1; i++) {
        if (i > 1000) break
        if (n % 2 === 0) n /= 2
        else { n = 3 * n + 1 }
        most = Math.max(most, n)
        steps += 1
      }
      let k = 10
      while (k-- > 0) { if (k % 3) continue; steps -= k; do { steps++ } while (steps < 5) }
      const twice = (x) => x * 2 + steps
      return steps > 100 ? collatz(steps - 50) : twice(most)
    }`
      const manifest = yield* agrees(source, [27, 1, 97, 2.5])
      assert.strictEqual(manifest.engine, "wasm", manifest.reason)
    })
  )

  it.effect("keeps the meaning of arrays and of the functions that walk them", () =>
    Effect.gen(function* () {
      const source = `(xs) => {
      const big = xs.filter((x, i) => x > 1 || i === 0).map(x => x * 2)
      const total = xs.reduce((sum, x) => sum + x, 0)
      let best = -Infinity
      for (const x of xs) { if (x > best) best = x }
      const out = []
      for (let i = xs.length - 1; i >= 0; i--) out.push(xs[i] + (big.some(b => b === xs[i]) ? total : 0))
      if (out.length > 2) out[1] += Math.max(...xs)
      return out.concat(big.slice(1)).reverse()
    }`
      const manifest = yield* agrees(source, [[1, 2, 3], [], [5], [3, 1, 2, 2, 9, -4.5]])
      assert.deepInclude(manifest, { engine: "wasm", signature: "(f64[]) => f64[]" })
    })
  )

  it.effect("keeps the meaning of strings", () =>
    Effect.gen(function* () {
      const source = `(s, t) => [
      s + t, s.slice(1), s.slice(-2, 3), s.substring(3, 1), s.charAt(1), s.concat(t), s < t ? "less" : "more", s === t ? "same" : "",
      s.includes(t) ? "in" : "out", s.startsWith(t) ? "s" : "", s.endsWith(t) ? "e" : "", s.repeat(2),
      s.split(t).join("-"), s.split("").reverse().join(""), \`<\${s}|\${t}>\`, String.fromCharCode(s.charCodeAt(0), ),
      s.indexOf(t) > 1 ? "late" : "early", s.lastIndexOf("a") > 2 ? "far" : "near", s.length > t.length ? "longer" : "shorter", s ? "some" : "none"
    ]`
      const manifest = yield* agrees(source, [
        ["banana", "an"],
        ["", ""],
        ["héllo", "l"],
        ["日本", "本"],
        ["a", "😀"]
      ])
      assert.deepInclude(manifest, { engine: "wasm", signature: "(string, string) => string[]" })
    })
  )

  it.effect("leaves what it does not cover to the interpreter, call by call", () =>
    Effect.gen(function* () {
      const source = "(xs) => xs[2] + xs.length"
      const { file, manifest } = yield* compile(source, [1, 2, 3])
      assert.strictEqual(manifest.engine, "wasm", manifest.reason)
      const covered = yield* run(file, [1, 2, 3])
      assert.deepStrictEqual([covered.interpreted, covered.output], [false, 6])
      const beyond = yield* run(file, [1])
      assert.deepStrictEqual([beyond.interpreted, beyond.output], [true, NaN])
      const other = yield* run(file, ["a", "b", "c"])
      assert.deepStrictEqual([other.interpreted, other.output], [true, "c3"])
      const negativeZero = yield* run(file, [1, 2, -0])
      assert.isTrue(negativeZero.interpreted)
    })
  )

  it.effect("leaves errors to the interpreter, which knows their messages", () =>
    Effect.gen(function* () {
      const { file, manifest } = yield* compile(
        "(n) => { if (n < 0) throw new RangeError('below zero'); return Math.sqrt(n) }",
        4
      )
      assert.strictEqual(manifest.engine, "wasm", manifest.reason)
      assert.strictEqual((yield* run(file, 4)).interpreted, false)
      assert.deepInclude((yield* run(file, -1)).error, { _tag: "RunFailed", reason: "RangeError: below zero" })
    })
  )

  // Interpreted

  const cases: ReadonlyArray<readonly [what: string, source: string, inputs: ReadonlyArray<unknown>, reason: RegExp]> =
    [
      ["a number in a template", "(n) => `v=${n}`", [1, 1.5, NaN], /type f64 where one of type string/],
      [
        "a closure over a variable that changes",
        "(n) => { let c = 0; const up = () => { c += n; return c }; up(); return up() }",
        [3],
        /outer function/
      ],
      [
        "a recursive inner function",
        "(n) => { const fib = (k) => (k < 2 ? k : fib(k - 1) + fib(k - 2)); return fib(n) }",
        [10],
        /recursive inner/
      ],
      ["objects", "(o) => ({ sum: o.x + o.y, keys: Object.keys(o) })", [{ x: 1, y: 2 }], /not made of/],
      ["an object inside", "(n) => { const m = {}; m['a'] = n; return m['a'] }", [3], /object expression/],
      ["regular expressions", "(s) => s.replace(/a/g, 'b')", ["banana"], /"replace"/],
      ["JSON", "(s) => JSON.parse(s).x", ['{"x":1}'], /not a number/],
      ["for...of over a string", "(s) => { let n = 0; for (const c of s) n++; return n }", ["a😀b", ""], /for...of/],
      ["try and catch", "(n) => { try { return n.foo() } catch (e) { return 0 } }", [3], /try statement/],
      ["numbers as text", "(n) => n.toFixed(2)", [1.005, 2], /property|method/],
      ["sorting", "(xs) => xs.sort((a, b) => a - b)", [[10, 9, 1]], /"sort"/],
      ["undefined", "(n) => { if (n > 2) return n }", [3], /type other|different types/],
      ["results of two types", "(n) => (n > 0 ? n : 'none')", [3, -3], /different types/],
      [
        "an argument that nobody takes",
        "function f(n) { let c = 0; return n < 1 ? c : f(n - 1, c++) }",
        [3],
        /a call of itself with 2 arguments/
      ],
      [
        "a var that is there twice",
        "(n) => { var x = 1; if (n > 0) { var x = 2 } return x }",
        [1, -1],
        /second "var x"/
      ],
      [
        "a name that is used before it is declared",
        "(n) => { let x = 1; if (n > 100) { const y = x; let x = 2; return y } return n }",
        [3, 101],
        /"x" before it is declared/
      ],
      ["destructuring", "([a, b]) => a + b", [[1, 2]], /pattern/],
      ["numbers that round differently", "(x) => Math.sin(x)", [1.5], /"Math"/]
    ]
  for (const [what, source, inputs, reason] of cases) {
    it.effect(`answers rightly with ${what}, and says why it is not compiled`, () =>
      Effect.gen(function* () {
        const manifest = yield* agrees(source, inputs)
        assert.strictEqual(manifest.engine, "quickjs")
        assert.match(manifest.reason!, reason)
      })
    )
  }

  it.effect("refuses an argument list that does not fit, as the compiled form does", () =>
    Effect.gen(function* () {
      const { file } = yield* compile("(a, b = 1) => [a, b]")
      assert.deepStrictEqual((yield* run(file, [5])).output, [5, 1])
      assert.deepInclude((yield* run(file, [])).error, { _tag: "InputMalformed" })
      assert.deepInclude((yield* run(file, 5)).error, { _tag: "InputMalformed" })
    })
  )

  // Both

  it.effect("gives the same file for the same source and type, whatever the value", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* compile("(x) => x + 1", 1), yield* compile("(x) => x + 1", 999)]
      assert.deepStrictEqual(one.file, two.file)
      const [three, four] = [yield* compile("(x) => [x]", { a: 1 }), yield* compile("(x) => [x]", { b: 2 })]
      assert.deepStrictEqual(three.file, four.file)
    })
  )

  it.effect("takes a function without a sample for one of numbers", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* compile("(x) => x + 1")).manifest.signature, "(f64) => f64")
    })
  )
})
