/**
 * The two 16-bit floating-point formats of model weights, from and to binary32.
 *
 * F16 is binary16 of IEEE 754 (5 bits of exponent, 10 of fraction), BF16 the upper half of a binary32. Widening is exact;
 * narrowing rounds to nearest, ties to even, with subnormals, overflow to infinity and signed zeros. All on bits as
 * integers, never on numbers, so that NaN keeps its sign and leading payload bits on every runtime.
 */

/** Bits of F16 as bits of binary32. */
export const widenF16 = (bits: number): number => {
  const sign = (bits & 0x8000) << 16
  const exponent = (bits >>> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0
  if (fraction === 0) return sign >>> 0
  // Subnormal: fraction * 2^-24. Its leading bit becomes the implicit one of a normal binary32.
  const shift = Math.clz32(fraction) - 21
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0
}

/** Bits of binary32 as bits of F16. */
export const narrowF16 = (bits: number): number => {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff)
  // 65520 lies half-way between the largest F16 and the next power of two, and rounds away.
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  // From 2^-14 on, normal: the exponent is rebased, and a carry out of the fraction moves into it, as it should.
  if (magnitude >= 0x38800000) return sign | roundShift(magnitude - 0x38000000, 13)
  // Below half of the smallest subnormal, 2^-25, zero; the tie at 2^-25 itself goes to the even zero too.
  if (magnitude <= 0x33000000) return sign
  return sign | roundShift((magnitude & 0x7fffff) | 0x800000, 126 - (magnitude >>> 23))
}

/** Bits of BF16 as bits of binary32. */
export const widenBF16 = (bits: number): number => (bits << 16) >>> 0

/** Bits of binary32 as bits of BF16. */
export const narrowBF16 = (bits: number): number => {
  const magnitude = bits & 0x7fffffff
  // A NaN whose payload lies in the lower half must not become an infinity.
  if (magnitude > 0x7f800000) return (bits >>> 16) | 0x0040
  return ((bits >>> 16) & 0x8000) | roundShift(magnitude, 16)
}

/** value / 2^shift, rounded to nearest, ties to even; for a value below 2^31 and a shift of 1 to 30. */
const roundShift = (value: number, shift: number): number => {
  const quotient = value >>> shift
  const rest = value & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  return quotient + (rest > half || (rest === half && (quotient & 1) === 1) ? 1 : 0)
}
