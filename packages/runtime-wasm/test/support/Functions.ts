/** Functions whose content ids, outputs and fuel must be the same on every runtime. */
export interface Example {
  readonly lang: "js" | "wat"
  readonly source: string
  readonly input: unknown
}

const js = (source: string, input: unknown): Example => ({ lang: "js", source, input })

export const examples: ReadonlyArray<Example> = [
  js("(input) => input * 2", 21),
  js("function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }", 15),
  js(
    "(n) => { let count = 0; for (let i = 2; i < n; i++) { let prime = true; for (let j = 2; j * j <= i; j++) if (i % j === 0) prime = false; if (prime) count++ } return count }",
    2_000
  ),
  js("(xs) => xs.map((x) => x / 3).filter((x) => x > 1).reduce((a, b) => a + b, 0)", [1, 2, 3, 4, 5, 6, 7]),
  js("(s) => s.split(' ').reverse().join(' ')", "to be or not to be"),
  js("(x) => Math.exp(x) + Math.atan2(x, 2) + Math.cbrt(x)", 1.7),
  js("(x) => [Math.sin(x), Math.pow(x, 1.3), Math.log(x), `${x / 3}`]", 1e5),
  js("(o) => ({ ...o, sum: o.a + o.b, keys: Object.keys(o).sort() })", { b: 2, a: 1 }),
  js("(s) => s.replace(/(\\w+)@(\\w+)/g, '$2 at $1').toUpperCase()", "someone@example"),
  js("(text) => Object.entries(JSON.parse(text)).map(([key, value]) => key + value)", '{"x":1,"y":[2]}'),
  js("async (n) => { let total = 0; for await (const x of [n, Promise.resolve(2)]) total += x; return total }", 40),
  js(
    "(n) => { const seen = new Map(); for (let i = 0; i < n; i++) seen.set(i % 7, (seen.get(i % 7) ?? 0) + i); return [...seen] }",
    100
  ),
  js("(n) => 2n ** 70n % BigInt(n)", 1_000_003),
  js("(n) => { const f = (depth) => { try { return f(depth + 1) } catch { return depth } }; return f(0) }", 1),
  {
    lang: "wat",
    source: '(module (func (export "run") (param i32) (result i32) local.get 0 i32.const 2 i32.mul))',
    input: 21
  },
  {
    lang: "wat",
    source:
      '(module (func (export "run") (param f32 f64) (result f64) local.get 0 f64.promote_f32 local.get 1 f64.div f64.sqrt))',
    input: [-1, 3]
  }
]
