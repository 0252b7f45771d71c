/**
 * A number as the unevaluated sum of two doubles, `hi + lo` with |lo| <= ulp(hi) / 2: about 106 significant bits.
 *
 * Error-free sums and products by Knuth (The Art of Computer Programming 2, 4.2.2) and Dekker (A floating-point
 * technique for extending the available precision, Numerische Mathematik 18, 1971). They need no fused
 * multiply-add, which JavaScript does not have, and so give the same bits everywhere. No operand may reach 2^995 or be
 * so small that a product is subnormal: callers reduce or scale first.
 */

export interface DoubleDouble {
  readonly hi: number
  readonly lo: number
}

/** The double `x` itself. */
export const of = (x: number): DoubleDouble => ({ hi: x, lo: 0 })

/** a + b exactly, for |a| >= |b| or a = 0. */
export const fastTwoSum = (a: number, b: number): DoubleDouble => {
  const hi = a + b
  return { hi, lo: b - (hi - a) }
}

/** a + b exactly. */
export const twoSum = (a: number, b: number): DoubleDouble => {
  const hi = a + b
  const t = hi - a
  return { hi, lo: a - (hi - t) + (b - t) }
}

// 2^27 + 1 cuts 53 bits into two halves of at most 26 (Veltkamp).
const splitter = 134_217_729

/** a * b exactly. */
export const twoProduct = (a: number, b: number): DoubleDouble => {
  const hi = a * b
  const ta = splitter * a
  const ah = ta - (ta - a)
  const al = a - ah
  const tb = splitter * b
  const bh = tb - (tb - b)
  const bl = b - bh
  return { hi, lo: al * bl - (hi - ah * bh - al * bh - ah * bl) }
}

export const negate = (a: DoubleDouble): DoubleDouble => ({ hi: -a.hi, lo: -a.lo })

/** a * 2^n, given 2^n. */
export const scale = (a: DoubleDouble, powerOfTwo: number): DoubleDouble => ({
  hi: a.hi * powerOfTwo,
  lo: a.lo * powerOfTwo
})

/** a + b; error at most about 2^-104 of the result, also when the two nearly cancel. */
export const add = (a: DoubleDouble, b: DoubleDouble): DoubleDouble => {
  const s = twoSum(a.hi, b.hi)
  const t = twoSum(a.lo, b.lo)
  const u = fastTwoSum(s.hi, s.lo + t.hi)
  return fastTwoSum(u.hi, u.lo + t.lo)
}

export const subtract = (a: DoubleDouble, b: DoubleDouble): DoubleDouble => add(a, negate(b))

/** x + b for a double x. */
export const addNumber = (x: number, b: DoubleDouble): DoubleDouble => {
  const s = twoSum(x, b.hi)
  return fastTwoSum(s.hi, s.lo + b.lo)
}

/** a * b; error about 2^-102 of the result. */
export const multiply = (a: DoubleDouble, b: DoubleDouble): DoubleDouble => {
  const p = twoProduct(a.hi, b.hi)
  return fastTwoSum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi))
}

/** x * b for a double x. */
export const multiplyNumber = (x: number, b: DoubleDouble): DoubleDouble => {
  const p = twoProduct(x, b.hi)
  return fastTwoSum(p.hi, p.lo + x * b.lo)
}

/** a / b; error about 2^-101 of the result. */
export const divide = (a: DoubleDouble, b: DoubleDouble): DoubleDouble => {
  const quotient = a.hi / b.hi
  const p = twoProduct(quotient, b.hi)
  return fastTwoSum(quotient, (a.hi - p.hi - p.lo + (a.lo - quotient * b.lo)) / b.hi)
}

/** The square root of a, not negative; error about 2^-101 of the result. */
export const sqrt = (a: DoubleDouble): DoubleDouble => {
  if (a.hi === 0) return a
  const root = Math.sqrt(a.hi)
  const p = twoProduct(root, root)
  return fastTwoSum(root, (a.hi - p.hi - p.lo + a.lo) / (2 * root))
}

/** 1 / n to double-double precision: a coefficient of a series. */
export const reciprocal = (n: number): DoubleDouble => divide(of(1), of(n))
