/**
 * Elementary functions of exact rationals to 1,400 binary places, in integers: what DeterministicMath is measured
 * against. Slow and plain on purpose, from other identities than the implementation uses: exp by its series after
 * halving, log by Newton's method on exp, atan by halving the angle, sine and cosine by their series after Machin's pi.
 */

/** A real number times 2^1400, rounded down. */
export type Real = bigint

// The largest double times 1 / (2 pi) has 1024 bits before the point; the rest is precision.
const places = 1400n
export const one: Real = 1n << places

/** The double, exactly; its bits below 2^-1400 do not exist. */
export const fromNumber = (x: number): Real => {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, x)
  const bits = view.getBigUint64(0)
  const biased = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xfffffffffffffn
  const mantissa = biased === 0n ? fraction : fraction | (1n << 52n)
  const real = mantissa << (places + (biased === 0n ? 1n : biased) - 1075n)
  return bits >> 63n ? -real : real
}

const multiply = (a: Real, b: Real): Real => (a * b) >> places
export const divide = (a: Real, b: Real): Real => (a << places) / b
const abs = (a: Real): Real => (a < 0n ? -a : a)

const rootOf = (n: bigint, degree: 2n | 3n): bigint => {
  if (n <= 0n) return 0n
  let x = 1n << (BigInt(n.toString(2).length) / degree + 1n)
  for (;;) {
    const next = ((degree - 1n) * x + n / x ** (degree - 1n)) / degree
    if (next >= x) return x
    x = next
  }
}
export const sqrt = (a: Real): Real => rootOf(a << places, 2n)
export const cbrt = (a: Real): Real => (a < 0n ? -1n : 1n) * rootOf(abs(a) << (2n * places), 3n)

/** Sum of first * ratio(1) * ratio(2) * ... until nothing is added. */
const series = (first: Real, next: (term: Real, n: bigint) => Real): Real => {
  let sum = 0n
  for (let term = first, n = 1n; term !== 0n && term !== -1n; n++) {
    sum += term
    term = next(term, n)
  }
  return sum
}

const arctanOfInverse = (n: bigint): Real => {
  let sum = 0n
  let power = one / n
  for (let k = 1n; power !== 0n; k += 2n, power /= n * n) sum += k % 4n === 1n ? power / k : -power / k
  return sum
}
export const pi: Real = 4n * (4n * arctanOfInverse(5n) - arctanOfInverse(239n))

/** For |x| up to about 1,000. */
export const exp = (x: Real): Real => {
  const halvings = 24n
  let y = series(one, (term, n) => multiply(term, x >> halvings) / n)
  // A result below 2^-1000 would keep few bits: the reciprocal of the large one has them all.
  if (x < 0n) return divide(one, exp(-x))
  for (let i = 0n; i < halvings; i++) y = multiply(y, y)
  return y
}

export const ln2: Real = (() => {
  let sum = 0n
  for (let n = 1n; n <= places; n++) sum += one / (n << n)
  return sum
})()

/** For x > 0. */
export const log = (x: Real): Real => {
  const exponent = BigInt(x.toString(2).length - 1) - places
  const m = exponent > 0n ? x >> exponent : x << -exponent
  let y = fromNumber(Math.log(Number(m >> (places - 60n)) / 2 ** 60))
  for (let i = 0; i < 6; i++) {
    const e = exp(y)
    const step = 2n * divide(m - e, m + e)
    y += step
    if (abs(step) < 4n) break
  }
  return exponent * ln2 + y
}

const sinCos = (x: Real): readonly [Real, Real] => {
  const r = x % (2n * pi)
  const square = multiply(r, r)
  return [
    series(r, (term, n) => -multiply(term, square) / (2n * n * (2n * n + 1n))),
    series(one, (term, n) => -multiply(term, square) / ((2n * n - 1n) * (2n * n)))
  ]
}
export const sin = (x: Real): Real => sinCos(x)[0]
export const cos = (x: Real): Real => sinCos(x)[1]
export const tan = (x: Real): Real => divide(...sinCos(x))

export const atan = (x: Real): Real => {
  const halvings = 8n
  let t = x
  for (let i = 0n; i < halvings; i++) t = divide(t, one + sqrt(one + multiply(t, t)))
  const square = multiply(t, t)
  let sum = 0n
  let power = t
  for (let k = 1n; power !== 0n && power !== -1n; k += 2n, power = -multiply(power, square)) sum += power / k
  return sum << halvings
}
export const atan2 = (y: Real, x: Real): Real => {
  if (x === 0n) return y < 0n ? -(pi >> 1n) : pi >> 1n
  const acute = atan(divide(y, x))
  return x > 0n ? acute : y < 0n ? acute - pi : acute + pi
}

/** How far the double is from the real, in units of the last place of the double nearest to the real. */
export const ulpsBetween = (actual: number, exact: Real): number => {
  if (exact === 0n) return actual === 0 ? 0 : Infinity
  const exponent = BigInt(abs(exact).toString(2).length - 1) - places
  const ulp = 1n << (places + (exponent < -1022n ? -1022n : exponent) - 52n)
  return Number((abs(fromNumber(actual) - exact) * 1_000_000n) / ulp) / 1_000_000
}
