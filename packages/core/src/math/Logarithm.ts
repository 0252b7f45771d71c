/**
 * log, log2, log10, log1p, asinh, acosh, atanh.
 *
 * x = 2^k m with m between sqrt(1/2) and sqrt(2), and log m = 2 atanh(s) with s = (m - 1) / (m + 1): Gregory's series
 * s + s^3/3 + s^5/5 + ..., with s as a double-double. Coefficients are the rationals 1 / (2n + 1), so a reader can check
 * them. `pow` needs more bits than a logarithm does, and gets them from the same series in double-double.
 */
import * as DD from "./DoubleDouble.ts"
import type { DoubleDouble } from "./DoubleDouble.ts"
import { exponentOf, powerOfTwo, shift, withSignOf } from "./Float64.ts"

const ln2: DoubleDouble = { hi: Math.LN2, lo: 2.3190468138462996e-17 }
const ln2Inverse: DoubleDouble = { hi: Math.LOG2E, lo: 2.0355273740931033e-17 }
const ln10Inverse: DoubleDouble = { hi: Math.LOG10E, lo: 1.098319650216765e-17 }
const third = DD.reciprocal(3)
const fifth = DD.reciprocal(5)

/** z (1/7 + z/9 + z^2/11 + ...), the far end of Gregory's series for z = s^2 <= 0.0295. */
const seriesTail = (z: number): number => {
  let tail = 1 / 27
  tail = tail * z + 1 / 25
  tail = tail * z + 1 / 23
  tail = tail * z + 1 / 21
  tail = tail * z + 1 / 19
  tail = tail * z + 1 / 17
  tail = tail * z + 1 / 15
  tail = tail * z + 1 / 13
  tail = tail * z + 1 / 11
  tail = tail * z + 1 / 9
  tail = tail * z + 1 / 7
  return tail * z
}

/** 2 atanh(s) = log((1 + s) / (1 - s)) for |s| <= 0.172; relative error about 2^-58. */
const twiceAtanh = (s: DoubleDouble): DoubleDouble => {
  const z = s.hi * s.hi
  return DD.fastTwoSum(2 * s.hi, 2 * (s.lo + s.hi * (z * (1 / 3 + z * (1 / 5 + seriesTail(z))))))
}

/** The same with a relative error about 2^-70. */
const twiceAtanhPrecise = (s: DoubleDouble): DoubleDouble => {
  const z = DD.multiply(s, s)
  const inner = DD.add(third, DD.multiply(z, DD.addNumber(seriesTail(z.hi), fifth)))
  return DD.multiply(DD.scale(s, 2), DD.addNumber(1, DD.multiply(z, inner)))
}

/** s with log(1 + f) = 2 atanh(s). */
const atanhArgument = (f: DoubleDouble): DoubleDouble => DD.divide(f, DD.addNumber(2, f))

/** log(1 + f), for 1 + f between sqrt(1/2) and sqrt(2). */
const log1pSeries = (f: DoubleDouble): DoubleDouble => twiceAtanh(atanhArgument(f))

/** A positive number as 2^exponent * (1 + fraction), with 1 + fraction between sqrt(1/2) and sqrt(2). */
interface Reduced {
  readonly exponent: number
  readonly fraction: DoubleDouble
}

const reduce = (x: DoubleDouble): Reduced => {
  let exponent = exponentOf(x.hi)
  if (shift(x.hi, -exponent) > Math.SQRT2) exponent++
  return { exponent, fraction: DD.addNumber(-1, { hi: shift(x.hi, -exponent), lo: shift(x.lo, -exponent) }) }
}

/** log(hi + lo) of a positive, finite number; relative error about 2^-57. */
const logOfSum = (x: DoubleDouble): DoubleDouble => {
  const { exponent, fraction } = reduce(x)
  return plusExponent(exponent, log1pSeries(fraction))
}

/** log(x) of a positive, finite number; relative error about 2^-69, for `pow`. */
export const logPrecise = (x: number): DoubleDouble => {
  const { exponent, fraction } = reduce(DD.of(x))
  return plusExponent(exponent, twiceAtanhPrecise(atanhArgument(fraction)))
}

const plusExponent = (exponent: number, log: DoubleDouble): DoubleDouble =>
  exponent === 0 ? log : DD.add(DD.multiplyNumber(exponent, ln2), log)

/** The value of every logarithm outside the positive, finite numbers: NaN below 0, -Infinity at 0, else x itself. */
const outside = (x: number): number => (x < 0 ? NaN : x === 0 ? -Infinity : x)
const isOutside = (x: number): boolean => !(x > 0 && x < Infinity)

/** Natural logarithm. At most 1 ulp from the true value. */
export const log = (x: number): number => (isOutside(x) ? outside(x) : logOfSum(DD.of(x)).hi)

/** Logarithm to base 2, exact for powers of two. At most 1 ulp from the true value. */
export const log2 = (x: number): number => {
  if (isOutside(x)) return outside(x)
  const { exponent, fraction } = reduce(DD.of(x))
  return DD.addNumber(exponent, DD.multiply(log1pSeries(fraction), ln2Inverse)).hi
}

/** Logarithm to base 10, exact for powers of ten. At most 1 ulp from the true value. */
export const log10 = (x: number): number =>
  isOutside(x) ? outside(x) : DD.multiply(logOfSum(DD.of(x)), ln10Inverse).hi

/** log(1 + x). At most 1 ulp from the true value. */
export const log1p = (x: number): number => {
  if (!(x > -1 && x < Infinity)) return outside(1 + x)
  if (Math.abs(x) < powerOfTwo(-54)) return x
  return logOfOnePlus(DD.of(x)).hi
}

/** log(1 + x) for x > -1, finite. */
const logOfOnePlus = (x: DoubleDouble): DoubleDouble =>
  x.hi > -0.29 && x.hi < 0.41 ? log1pSeries(x) : logOfSum(DD.addNumber(1, x))

// Below, asinh(x) and atanh(x) round to x; above, asinh(x) and acosh(x) round to log(2x).
const tiny = powerOfTwo(-28)
const large = powerOfTwo(54)

/** Inverse hyperbolic sine. At most 1 ulp from the true value. */
export const asinh = (x: number): number => {
  const a = Math.abs(x)
  if (!(a < Infinity) || a < tiny) return x
  if (a > large) return withSignOf(x, DD.add(logOfSum(DD.of(a)), ln2).hi)
  const square = DD.twoProduct(a, a)
  // a + sqrt(a^2 + 1) = 1 + a + a^2 / (1 + sqrt(a^2 + 1)), which does not cancel for small a.
  const root = DD.sqrt(DD.addNumber(1, square))
  return withSignOf(x, logOfOnePlus(DD.addNumber(a, DD.divide(square, DD.addNumber(1, root)))).hi)
}

/** Inverse hyperbolic cosine. At most 1 ulp from the true value. */
export const acosh = (x: number): number => {
  if (x < 1) return NaN
  if (!(x < Infinity)) return x
  if (x > large) return DD.add(logOfSum(DD.of(x)), ln2).hi
  // x + sqrt(x^2 - 1) = 1 + t + sqrt(t (x + 1)) with t = x - 1, which is exact where it is small.
  const t = DD.twoSum(x, -1)
  const root = DD.sqrt(DD.multiply(t, DD.twoSum(x, 1)))
  return logOfOnePlus(DD.add(t, root)).hi
}

/** Inverse hyperbolic tangent. At most 1 ulp from the true value. */
export const atanh = (x: number): number => {
  const a = Math.abs(x)
  if (a > 1) return NaN
  if (Number.isNaN(x) || a < tiny) return x
  if (a === 1) return withSignOf(x, Infinity)
  if (a < 0.17) return withSignOf(x, 0.5 * twiceAtanh(DD.of(a)).hi)
  return withSignOf(x, 0.5 * logOfSum(DD.divide(DD.twoSum(1, a), DD.twoSum(1, -a))).hi)
}
