/**
 * exp, expm1, sinh, cosh, tanh.
 *
 * exp: x = k ln 2 + r with |r| <= ln(2)/2 by Cody and Waite's two-part constant (Software Manual for the Elementary
 * Functions, 1980), then the Taylor series of e^r - 1, whose first two terms are kept as double-doubles. The others
 * follow from their definitions in exponentials. Coefficients are the rationals 1/n!, so a reader can check them.
 */
import * as DD from "./DoubleDouble.ts"
import type { DoubleDouble } from "./DoubleDouble.ts"
import { powerOfTwo, scale, withSignOf } from "./Float64.ts"

/** ln(2) cut after 32 bits, so that its product with an exponent is exact. */
export const ln2High = 0.6931471803691238
/** ln(2) - ln2High, rounded. */
export const ln2Low = 1.9082149292705877e-10

// Above, e^x rounds to infinity; below, to zero: 1024 ln 2, and (-1074 - 1) ln 2, both rounded outwards.
const overflow = 709.79
const underflow = -745.14

/** e^(hi + lo) as (1 + fraction) * 2^exponent, for |hi| <= 746; fraction from about -0.3 to 0.42. */
interface Reduced {
  readonly fraction: DoubleDouble
  readonly exponent: number
}

/** e^r - 1 for |r| <= 0.36; relative error about 2^-60. */
const expm1Series = (r: DoubleDouble): DoubleDouble => {
  const x = r.hi
  let tail = 1 / 87_178_291_200
  tail = tail * x + 1 / 6_227_020_800
  tail = tail * x + 1 / 479_001_600
  tail = tail * x + 1 / 39_916_800
  tail = tail * x + 1 / 3_628_800
  tail = tail * x + 1 / 362_880
  tail = tail * x + 1 / 40_320
  tail = tail * x + 1 / 5040
  tail = tail * x + 1 / 720
  tail = tail * x + 1 / 120
  tail = tail * x + 1 / 24
  tail = tail * x + 1 / 6
  const square = DD.twoProduct(x, x)
  const sum = DD.fastTwoSum(x, square.hi * 0.5)
  return DD.fastTwoSum(sum.hi, sum.lo + (r.lo + r.lo * x + square.lo * 0.5 + square.hi * x * tail))
}

const reduce = (hi: number, lo: number): Reduced => {
  const exponent = Math.round(hi * Math.LOG2E)
  const r = DD.twoSum(hi - exponent * ln2High, -exponent * ln2Low)
  return { fraction: expm1Series(DD.fastTwoSum(r.hi, r.lo + lo)), exponent }
}

/** e^(hi + lo), rounded to a double. */
export const expOfSum = (hi: number, lo: number): number => {
  if (hi > overflow) return Infinity
  if (hi < underflow) return 0
  const { fraction, exponent } = reduce(hi, lo)
  return scale(DD.addNumber(1, fraction).hi, exponent)
}

/** e^x. At most 1 ulp from the true value. */
export const exp = (x: number): number => (Number.isNaN(x) ? x : expOfSum(x, 0))

/** e^x - 1 as a double-double, for |x| <= 50. */
const expm1Sum = (x: number): DoubleDouble => {
  const { fraction, exponent } = reduce(x, 0)
  if (exponent === 0) return fraction
  return DD.addNumber(-1, DD.scale(DD.addNumber(1, fraction), powerOfTwo(exponent)))
}

// Below, the rounded result is the first term of the series: of expm1 (x + x^2/2), and of sinh and tanh (x + O(x^3)).
const expm1Tiny = powerOfTwo(-54)
const sinhTiny = powerOfTwo(-28)

/** e^x - 1. At most 1 ulp from the true value. */
export const expm1 = (x: number): number => {
  if (Number.isNaN(x) || Math.abs(x) < expm1Tiny) return x
  if (x > 40) return exp(x)
  if (x < -40) return -1
  return expm1Sum(x).hi
}

// Beyond 22, e^-2x is less than a quarter of an ulp of 1.
const large = 22

/** Hyperbolic sine. At most 1 ulp from the true value. */
export const sinh = (x: number): number => {
  const a = Math.abs(x)
  if (Number.isNaN(x) || a < sinhTiny) return x
  if (a > large) return withSignOf(x, halfExp(a))
  const e = expm1Sum(a)
  // (E + E / (E + 1)) / 2 with E = e^a - 1, which does not cancel for small a.
  return withSignOf(x, 0.5 * DD.add(e, DD.divide(e, DD.addNumber(1, e))).hi)
}

/** Hyperbolic cosine. At most 1 ulp from the true value. */
export const cosh = (x: number): number => {
  const a = Math.abs(x)
  if (Number.isNaN(x)) return x
  if (a > large) return halfExp(a)
  const e = DD.addNumber(1, expm1Sum(a))
  return 0.5 * DD.add(e, DD.divide(DD.of(1), e)).hi
}

/** Hyperbolic tangent. At most 1 ulp from the true value. */
export const tanh = (x: number): number => {
  const a = Math.abs(x)
  if (Number.isNaN(x) || a < sinhTiny) return x
  if (a > large) return withSignOf(x, 1)
  const e = expm1Sum(2 * a)
  return withSignOf(x, DD.divide(e, DD.addNumber(2, e)).hi)
}

/** e^x / 2, finite a little beyond where e^x overflows. */
const halfExp = (x: number): number => {
  if (x > 711) return Infinity
  const { fraction, exponent } = reduce(x, 0)
  return scale(DD.addNumber(1, fraction).hi, exponent - 1)
}
