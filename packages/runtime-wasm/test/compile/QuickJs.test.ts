import { removedGlobals } from "@continuum/runtime-wasm/compile/QuickJsPrelude"
import { FuelExhausted, MemoryExceeded, RunFailed } from "@continuum/runtime-wasm/JitError"
import { assert, describe, it } from "@effect/vitest"
import { run } from "../support/QuickJs.ts"

const output = (script: string, input: unknown = null): unknown => {
  const outcome = run(script, input)
  if ("output" in outcome) return outcome.output
  throw outcome.error
}

const error = (script: string, fuelMax = 200_000_000) => {
  const outcome = run(script, 1, { fuelMax })
  if ("error" in outcome) return outcome.error
  throw new Error(`${script} gave ${JSON.stringify(outcome.output)}`)
}

describe("QuickJs", () => {
  it("gives a function its input and the answer back, as they are", () => {
    const input = { a: [1, -0, NaN, -Infinity, 'é😀\u0000"'], $: { $: 1 }, n: null, bytes: new Uint8Array([0, 255]) }
    assert.deepStrictEqual(output("(x) => x", input), input)
    assert.strictEqual(output("(x) => 1 / x", -0), -Infinity)
    assert.strictEqual(output("(x) => x.$.$ + x.a.length", input), 6)
    assert.strictEqual(output("(x) => x * x", 3n), 9n)
    assert.deepStrictEqual(output("() => ({ a: undefined, b: [undefined] })"), { b: [null] })
    assert.isNull(output("() => {}"))
  })

  it("passes the elements of the input as arguments when asked to", () => {
    const outcome = run("(a, b) => a - b", [5, 3], { spread: true })
    assert.strictEqual("output" in outcome && outcome.output, 2)
  })

  it("waits for a promise, and says when it never settles", () => {
    assert.strictEqual(output("async (x) => { await null; return x + 1 }", 1), 2)
    assert.match(error("async () => { throw new TypeError('later') }").message, /TypeError: later/)
    assert.match(error("() => new Promise(() => {})").message, /never settles/)
  })

  it("passes on what is thrown, cut to a length, whatever it is", () => {
    assert.strictEqual(
      error("() => { throw new RangeError('too far') }").message,
      "The function failed: RangeError: too far"
    )
    assert.match(error("() => { throw 'text' }").message, /failed: text/)
    assert.match(error("() => { throw Symbol('s') }").message, /failed: a symbol/)
    assert.match(error("() => { throw null }").message, /failed: null/)
    assert.isBelow(error("() => { throw new Error('x'.repeat(100000)) }").message.length, 600)
    assert.match(error("() => { throw { get message() { throw 1 } } }").message, /cannot be shown/)
    assert.instanceOf(error("() => { throw { get message() { for (;;); } } }"), FuelExhausted)
  })

  it("stops an endless loop, wherever it is hidden, at the same instruction each time", () => {
    for (const script of [
      "() => { while (true) {} }",
      "(() => { for (;;) {} })()",
      "() => ({ get a() { for (;;) {} } })",
      "() => new Proxy({}, { ownKeys() { for (;;) {} } })",
      "async () => { await null; for (;;) {} }",
      "() => { const again = () => Promise.resolve().then(again); return again() }",
      "() => /(a+)+$/.test('a'.repeat(40) + '!')",
      "() => { Array.prototype.sort = 0; return [...{ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 0 }) }) }] }"
    ]) {
      const outcomes = [1, 2].map(() => run(script, null, { fuelMax: 20_000_000 }))
      for (const outcome of outcomes) {
        assert.isTrue("error" in outcome && outcome.error instanceof FuelExhausted, script)
        assert.strictEqual(outcome.fuel, 20_000_000)
      }
    }
  })

  it("stops what wants too much memory", () => {
    for (const script of [
      "() => 'x'.repeat(2 ** 29)",
      "() => new Uint8Array(2 ** 30).length",
      "() => { const all = []; for (;;) all.push(new Uint8Array(1 << 20)) }",
      "() => Array(2 ** 27).fill(1).length"
    ]) {
      assert.instanceOf(error(script, 2_000_000_000), MemoryExceeded, script)
    }
  })

  it("finds the end of its own stack, however the calls are nested", () => {
    const nestings = {
      call: "() => { const f = () => f() + 1; return f() }",
      callback: "() => { const f = () => [1].map(f); return f() }",
      getter: "() => { const o = { get a() { return this.a } }; return o.a }",
      proxy: "() => { let p = { a: 1 }; for (let i = 0; i < 100000; i++) p = new Proxy(p, {}); return p.a }",
      json: "() => JSON.parse('['.repeat(100000) + ']'.repeat(100000))"
    }
    for (const [name, script] of Object.entries(nestings)) {
      const failed = error(script, 2_000_000_000)
      assert.instanceOf(failed, RunFailed, name)
      assert.match(failed.message, /stack overflow/, name)
    }
  })

  it("refuses outputs that are no plain data, or too large", () => {
    assert.match(error("() => () => 1").message, /a function, which is no plain data/)
    assert.match(error("() => new Map()").message, /a Map, which is no plain data/)
    assert.match(error("() => [Symbol()]").message, /a symbol, which is no plain data/)
    assert.match(error("() => { const a = {}; a.a = a; return a }").message, /contains itself/)
    assert.match(error("() => 'x'.repeat(1000001)").message, /larger than 1000000 characters/)
    assert.strictEqual((output("() => 'x'.repeat(999998)") as string).length, 999_998)
    assert.match(error("() => Array(1000).fill('x'.repeat(2000))").message, /larger than/)
  })

  it("has nothing of the host, and nothing that differs between two runs", () => {
    const names = [
      ...removedGlobals,
      "process",
      "require",
      "fetch",
      "console",
      "performance",
      "print",
      "std",
      "os",
      "navigator",
      "Intl"
    ]
    assert.deepStrictEqual(output(`() => ${JSON.stringify(names)}.filter((name) => name in globalThis)`), [])
    assert.strictEqual(output("() => typeof Math.random"), "undefined")
    assert.match(error("(x) => x.constructor.constructor('return process')()").message, /'process' is not defined/)
    assert.match(error("async () => { await import('fs') }").message, /./)
  })

  it("keeps nothing from one run to the next, and uses the same fuel for the same call", () => {
    const double = () => run("(x) => x * 2", 21)
    const before = double()
    run(
      "() => { globalThis.leak = 1; Object.prototype.leak = 2; Array.prototype.map = 3; JSON.parse = 4; return 1 }",
      null
    )
    run("() => { for (;;) {} }", null, { fuelMax: 1_000_000 })
    run("() => 'x'.repeat(5000000).length", null)
    assert.deepStrictEqual(double(), before)
    assert.strictEqual(output("() => `${typeof leak} ${({}).leak} ${typeof [].map}`"), "undefined undefined function")
  })
})
