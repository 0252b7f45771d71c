/**
 * sin, cos, tan.
 *
 * x = n pi/2 + r with |r| <= pi/4. Up to 2^20 pi/2 by Cody and Waite's method with pi/2 in four parts; beyond, by Payne
 * and Hanek's (Radian reduction for trigonometric functions, SIGNUM 18, 1983): only the bits of 2/pi that matter are
 * multiplied, here with exact integers. Then the Taylor series of sine and cosine, whose first terms are kept as
 * double-doubles. Coefficients are the rationals 1/n!, so a reader can check them.
 */
import * as DD from "./DoubleDouble.ts"
import type { DoubleDouble } from "./DoubleDouble.ts"
import { exponentOf, powerOfTwo } from "./Float64.ts"

/** Sine. NaN for an infinity. At most 1 ulp from the true value, for arguments of any size. */
export const sin = (x: number): number => {
  const a = Math.abs(x)
  if (!(a < Infinity)) return NaN
  if (a < tiny) return x
  const { quadrant, r } = reduce(x)
  const y = quadrant & 1 ? cosSeries(r) : sinSeries(r)
  return quadrant & 2 ? -y.hi : y.hi
}

/** Cosine. NaN for an infinity. At most 1 ulp from the true value, for arguments of any size. */
export const cos = (x: number): number => {
  if (!(Math.abs(x) < Infinity)) return NaN
  const { quadrant, r } = reduce(x)
  const y = quadrant & 1 ? sinSeries(r) : cosSeries(r)
  return (quadrant + 1) & 2 ? -y.hi : y.hi
}

/** Tangent. NaN for an infinity. At most 1 ulp from the true value, for arguments of any size. */
export const tan = (x: number): number => {
  const a = Math.abs(x)
  if (!(a < Infinity)) return NaN
  if (a < tiny) return x
  const { quadrant, r } = reduce(x)
  const sine = sinSeries(r)
  const cosine = cosSeries(r)
  return quadrant & 1 ? -DD.divide(cosine, sine).hi : DD.divide(sine, cosine).hi
}

// Below, sin(x) and tan(x) round to x.
const tiny = powerOfTwo(-28)
const sixth = DD.negate(DD.reciprocal(6))

/** sin(r) for |r| <= pi/4: r (1 + z (-1/6 + z (1/120 - ...))) with z = r^2; relative error about 2^-60. */
const sinSeries = (r: DoubleDouble): DoubleDouble => {
  const z = DD.multiply(r, r)
  const x = z.hi
  let tail = -1 / 121_645_100_408_832_000
  tail = tail * x + 1 / 355_687_428_096_000
  tail = tail * x - 1 / 1_307_674_368_000
  tail = tail * x + 1 / 6_227_020_800
  tail = tail * x - 1 / 39_916_800
  tail = tail * x + 1 / 362_880
  tail = tail * x - 1 / 5040
  tail = tail * x + 1 / 120
  return DD.multiply(r, DD.addNumber(1, DD.multiply(z, DD.addNumber(tail * x, sixth))))
}

/** cos(r) for |r| <= pi/4: 1 + z (-1/2 + z (1/24 - ...)) with z = r^2; relative error about 2^-58. */
const cosSeries = (r: DoubleDouble): DoubleDouble => {
  const z = DD.multiply(r, r)
  const x = z.hi
  let tail = -1 / 6_402_373_705_728_000
  tail = tail * x + 1 / 20_922_789_888_000
  tail = tail * x - 1 / 87_178_291_200
  tail = tail * x + 1 / 479_001_600
  tail = tail * x - 1 / 3_628_800
  tail = tail * x + 1 / 40_320
  tail = tail * x - 1 / 720
  tail = tail * x + 1 / 24
  return DD.addNumber(1, DD.multiply(z, DD.twoSum(-0.5, tail * x)))
}

/** x = (4 k + quadrant) pi/2 + r for a whole k. */
interface Reduced {
  /** 0 to 3. */
  readonly quadrant: number
  /** At most pi/4, and a rounding, in magnitude. */
  readonly r: DoubleDouble
}

const halfPi: DoubleDouble = { hi: 1.5707963267948966, lo: 6.123233995736766e-17 }
const twoOverPi = 0.6366197723675814
// pi/2 in three parts of 33 bits, whose products with a whole number below 2^20 are exact, and the rest.
const halfPi1 = 1.5707963267341256
const halfPi2 = 6.077100506303966e-11
const halfPi3 = 2.0222662487111665e-21
const halfPi4 = 8.4784276603689e-32

const reduce = (x: number): Reduced => {
  if (Math.abs(x) <= 0.7853981633974483) return { quadrant: 0, r: DD.of(x) }
  const n = Math.round(x * twoOverPi)
  if (Math.abs(n) >= 1_048_576) return reduceLarge(x)
  const a = DD.twoSum(x - n * halfPi1, -n * halfPi2)
  const b = DD.twoSum(-n * halfPi3, -n * halfPi4)
  return { quadrant: n & 3, r: DD.add(a, b) }
}

/** floor(2/pi * 2^1280). The largest double needs 1024 + 53 of these bits, and the guard bits below. */
const twoOverPiBits = BigInt(
  "0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921cfe1deb1cb129a73e" +
    "e88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b7" +
    "4f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc209af4361d"
)
const twoOverPiBitCount = 1280
// No double comes nearer than about 2^-62 to a multiple of pi/2 (Kahan), and m has 53 bits: 77 good bits remain of r.
const fractionBits = 192

/** For |x| >= 2^20: with x = m 2^e, the fraction of m 2^e 2/pi modulo 4 to `fractionBits` bits. */
const reduceLarge = (x: number): Reduced => {
  const e = exponentOf(x) - 52
  const m = BigInt(x * powerOfTwo(-e))
  // Bits of 2/pi above 2^(2 - e) only add multiples of 4; those below 2^(-e - fractionBits) are too small to matter.
  const product = (m * (twoOverPiBits >> BigInt(twoOverPiBitCount - e - fractionBits))) & fourMask
  const rounded = (product + halfBit) >> fractionShift
  const fraction = product - (rounded << fractionShift)
  const hi = Number(fraction)
  const lo = Number(fraction - BigInt(hi))
  return {
    quadrant: Number(rounded & 3n),
    r: DD.multiply(DD.scale({ hi, lo }, fractionUnit), halfPi)
  }
}

const fractionShift = BigInt(fractionBits)
const fractionUnit = powerOfTwo(-fractionBits)
const fourMask = (4n << fractionShift) - 1n
const halfBit = 1n << BigInt(fractionBits - 1)
