/**
 * asin, acos, atan, atan2: all four are the angle of a point, reduced to the arc tangent of a quotient in [0, 1].
 *
 * The quotient is a double-double; the nearest eighth is split off by the addition theorem of the arc tangent, and
 * Gregory's series t - t^3/3 + t^5/5 - ... does the rest, |t| <= 1/16. Coefficients are the rationals 1 / (2n + 1).
 */
import * as DD from "./DoubleDouble.ts"
import type { DoubleDouble } from "./DoubleDouble.ts"
import { exponentOf, powerOfTwo, shift, withSignOf } from "./Float64.ts"

/** Arc tangent. At most 1 ulp from the true value. */
export const atan = (x: number): number => atan2(x, 1)

/** The angle of the point (x, y), from -pi to pi. At most 1 ulp from the true value. */
export const atan2 = (y: number, x: number): number => {
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN
  const a = Math.abs(y)
  const b = Math.abs(x)
  const negative = x < 0 || Object.is(x, -0)
  if (a === 0) return withSignOf(y, negative ? pi.hi : 0)
  if (b === 0 || (a === Infinity && b < Infinity)) return withSignOf(y, halfPi.hi)
  if (b === Infinity) {
    if (a === Infinity) return withSignOf(y, negative ? threeQuarterPi : quarterPi)
    return withSignOf(y, negative ? pi.hi : 0)
  }
  const quotient = a / b
  // So near the positive x axis, the angle is the quotient, which the division rounds best; far from it, the axis.
  if (quotient < tiny) return withSignOf(y, negative ? pi.hi : quotient)
  if (quotient > huge) return withSignOf(y, halfPi.hi)
  // Both exponents near 0, so that products neither overflow nor lose bits.
  const exponent = exponentOf(Math.max(a, b))
  return withSignOf(y, angle(DD.of(shift(a, -exponent)), DD.of(shift(b, -exponent)), negative).hi)
}

/** Arc sine. NaN outside [-1, 1]. At most 1 ulp from the true value. */
export const asin = (x: number): number => {
  const a = Math.abs(x)
  if (!(a <= 1)) return NaN
  if (a < asinTiny) return x
  return withSignOf(x, angle(DD.of(a), cathetus(x), false).hi)
}

/** Arc cosine. NaN outside [-1, 1]. At most 1 ulp from the true value. */
export const acos = (x: number): number => {
  if (!(Math.abs(x) <= 1)) return NaN
  if (Math.abs(x) < tiny) return halfPi.hi
  return angle(cathetus(x), DD.of(Math.abs(x)), x < 0).hi
}

const tiny = powerOfTwo(-60)
const huge = powerOfTwo(60)
const asinTiny = powerOfTwo(-28)
const pi: DoubleDouble = { hi: Math.PI, lo: 1.2246467991473532e-16 }
const halfPi: DoubleDouble = { hi: 1.5707963267948966, lo: 6.123233995736766e-17 }
const quarterPi = 0.7853981633974483
const threeQuarterPi = 2.356194490192345

/** sqrt(1 - x^2). */
const cathetus = (x: number): DoubleDouble => DD.sqrt(DD.addNumber(1, DD.negate(DD.twoProduct(x, x))))

/** The angle of (x, y) for x, y >= 0, not both 0; of (-x, y) when `negative`. */
const angle = (y: DoubleDouble, x: DoubleDouble, negative: boolean): DoubleDouble => {
  const acute = y.hi > x.hi ? DD.subtract(halfPi, atanOfQuotient(x, y)) : atanOfQuotient(y, x)
  return negative ? DD.subtract(pi, acute) : acute
}

/** atan(n / 8) for n from 0 to 8. */
const atanOfEighths: ReadonlyArray<DoubleDouble> = [
  { hi: 0, lo: 0 },
  { hi: 0.12435499454676144, lo: -3.1253241424539383e-18 },
  { hi: 0.24497866312686414, lo: 1.0698755618734451e-17 },
  { hi: 0.35877067027057225, lo: -2.4623815582638635e-17 },
  { hi: 0.4636476090008061, lo: 2.2698777452961687e-17 },
  { hi: 0.5585993153435624, lo: -5.4556305485916264e-18 },
  { hi: 0.6435011087932844, lo: 1.5834785051444286e-17 },
  { hi: 0.7188299996216245, lo: -2.1478388444456983e-17 },
  { hi: 0.7853981633974483, lo: 3.061616997868383e-17 }
]

/** atan(y / x) for 0 <= y <= x: atan(q) = atan(c) + atan((y - c x) / (x + c y)) with c the eighth nearest to q = y / x. */
const atanOfQuotient = (y: DoubleDouble, x: DoubleDouble): DoubleDouble => {
  const eighths = Math.round((8 * y.hi) / x.hi)
  if (eighths === 0) return atanSeries(DD.divide(y, x))
  const c = eighths / 8
  const t = DD.divide(DD.subtract(y, DD.multiplyNumber(c, x)), DD.add(x, DD.multiplyNumber(c, y)))
  return DD.add(atanOfEighths[eighths]!, atanSeries(t))
}

/** atan(t) for |t| <= 1/16: t + t z (-1/3 + z/5 - z^2/7 + ...) with z = t^2; relative error about 2^-62. */
const atanSeries = (t: DoubleDouble): DoubleDouble => {
  const z = t.hi * t.hi
  let tail = -1 / 15
  tail = tail * z + 1 / 13
  tail = tail * z - 1 / 11
  tail = tail * z + 1 / 9
  tail = tail * z - 1 / 7
  tail = tail * z + 1 / 5
  tail = tail * z - 1 / 3
  return DD.fastTwoSum(t.hi, t.lo + t.hi * (z * tail))
}
