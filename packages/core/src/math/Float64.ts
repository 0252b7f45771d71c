/**
 * Binary64 numbers taken apart and put together exactly (IEEE 754-2019, 3.4), independent of the host's byte order.
 */

const exponentMin = -1022
const exponentMax = 1023

/** Every normal power of two, made by exact doubling and halving. */
const powers = new Float64Array(exponentMax - exponentMin + 1)
powers[-exponentMin] = 1
for (let e = 1; e <= exponentMax; e++) powers[e - exponentMin] = 2 * powers[e - 1 - exponentMin]!
for (let e = -1; e >= exponentMin; e--) powers[e - exponentMin] = powers[e + 1 - exponentMin]! / 2

/** 2^exponent, for a whole exponent from -1022 to 1023. */
export const powerOfTwo = (exponent: number): number => powers[exponent - exponentMin]!

const view = new DataView(new ArrayBuffer(8))
const subnormalShift = powerOfTwo(64)

/** floor(log2(|x|)) of a finite number that is not zero: -1074 to 1023. */
export const exponentOf = (x: number): number => {
  view.setFloat64(0, x)
  const biased = (view.getInt32(0) >>> 20) & 0x7ff
  return biased === 0 ? exponentOf(x * subnormalShift) - 64 : biased - 1023
}

/** x * 2^exponent for a whole exponent from -2000 to 2000; exact unless the result is subnormal or too large. */
export const shift = (x: number, exponent: number): number => {
  // In two steps, because neither 2^1074 nor 2^-1074 is a normal number.
  const half = exponent >> 1
  return x * powerOfTwo(half) * powerOfTwo(exponent - half)
}

/** x * 2^exponent, rounded once also where the result is subnormal; for 2^-1 <= |x| < 2^2 and a whole exponent. */
export const scale = (x: number, exponent: number): number => {
  if (exponent > 1020) return x * powerOfTwo(1020) * powerOfTwo(Math.min(exponent, 1030) - 1020)
  if (exponent >= -1020) return x * powerOfTwo(exponent)
  return x * powerOfTwo(Math.max(exponent, -1084) + 64) * powerOfTwo(-64)
}

/** `magnitude` with the sign of `x`; -0 counts as negative, and a NaN as positive. */
export const withSignOf = (x: number, magnitude: number): number => (x < 0 || Object.is(x, -0) ? -magnitude : magnitude)
