/**
 * pow, cbrt, hypot.
 *
 * pow is e^(y log|x|) with the logarithm and the product as double-doubles, so that the error of the product, which
 * can reach 745, stays far below the last bit of the result. cbrt and hypot end with one step of Newton's method whose
 * residual is a double-double.
 */
import * as DD from "./DoubleDouble.ts"
import { expOfSum } from "./Exponential.ts"
import { exponentOf, powerOfTwo, scale, shift, withSignOf } from "./Float64.ts"
import { logPrecise } from "./Logarithm.ts"

/**
 * x to the power y, with the special values of ECMAScript: pow(x, 0) is 1 for every x, and pow(1, NaN),
 * pow(1, Infinity) and pow(-1, Infinity) are NaN. At most 1 ulp from the true value.
 */
export const pow = (x: number, y: number): number => {
  if (y === 0) return 1
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN
  const a = Math.abs(x)
  if (Math.abs(y) === Infinity) return a === 1 ? NaN : a > 1 === y > 0 ? Infinity : 0
  const negative = (x < 0 || Object.is(x, -0)) && isOdd(y)
  if (a === 0 || a === Infinity) {
    const magnitude = (a === 0) === y > 0 ? 0 : Infinity
    return negative ? -magnitude : magnitude
  }
  if (x < 0 && Math.floor(y) !== y) return NaN
  const magnitude = powOfPositive(a, y)
  return negative ? -magnitude : magnitude
}

/** a^y for finite a > 0 and finite y that is not zero. */
const powOfPositive = (a: number, y: number): number => {
  if (a === 1) return 1
  const log = logPrecise(a)
  const estimate = y * log.hi
  if (estimate > 1000) return Infinity
  if (estimate < -1000) return 0
  // So small a product is less than half an ulp of 1.
  if (Math.abs(estimate) < unity) return 1
  // Since a is not 1, |log| is at least 2^-53, so y is between 2^-70 and 2^63 in magnitude: no product loses bits.
  const p = DD.multiplyNumber(y, log)
  return expOfSum(p.hi, p.lo)
}

const unity = powerOfTwo(-60)

const isOdd = (y: number): boolean => Math.abs(y % 2) === 1

/** Cube root, exact for cubes. At most 1 ulp from the true value. */
export const cbrt = (x: number): number => {
  const a = Math.abs(x)
  if (a === 0 || !(a < Infinity)) return x
  const third = Math.floor(exponentOf(a) / 3)
  const m = shift(a, -3 * third)
  // m is in [1, 8). The chord of the curve there, lifted to halve its error; Halley's rule then triples the digits twice.
  let y = 1.08 + (m - 1) / 7
  for (let step = 0; step < 2; step++) {
    const cube = y * y * y
    y *= (cube + 2 * m) / (2 * cube + m)
  }
  const cube = DD.multiplyNumber(y, DD.twoProduct(y, y))
  return withSignOf(x, (y + DD.addNumber(m, DD.negate(cube)).hi / (3 * y * y)) * powerOfTwo(third))
}

/** Square root of the sum of squares, without overflow or underflow on the way. At most 1 ulp from the true value. */
export const hypot = (...values: ReadonlyArray<number>): number => {
  let largest = 0
  let sawNaN = false
  for (const value of values) {
    const a = Math.abs(value)
    if (a === Infinity) return Infinity
    if (Number.isNaN(a)) sawNaN = true
    else if (a > largest) largest = a
  }
  if (sawNaN) return NaN
  if (largest === 0) return 0
  const exponent = exponentOf(largest)
  let sum = DD.of(0)
  for (const value of values) {
    const v = shift(Math.abs(value), -exponent)
    // What is below 2^-160 of the largest cannot change the sum of fewer than 2^200 squares.
    if (v > negligible) sum = DD.add(sum, DD.twoProduct(v, v))
  }
  const root = DD.sqrt(sum).hi
  const rootExponent = exponentOf(root)
  return scale(shift(root, -rootExponent), exponent + rootExponent)
}

const negligible = powerOfTwo(-160)
