/**
 * What DeterministicMath claims of each function, and how the claims are measured.
 */
import * as DeterministicMath from "../src/DeterministicMath.ts"
import * as ExactReals from "./ExactReals.ts"
import * as Vectors from "./vectors/DeterministicMathVectors.ts"

const { exp, fromNumber, log, one, sqrt } = ExactReals
const times = (a: ExactReals.Real, b: ExactReals.Real) => (a * b) / one
const expOf = (x: ExactReals.Real) => [exp(x), exp(-x)] as const

export interface Claim {
  /** Largest distance from the true value, in ulp. */
  readonly ulps: number
  /** Largest distance from the engine's own function, in ulp; the engine's error counts too. */
  readonly nativeUlps: number
  /** The true value, for a finite argument inside the domain. */
  readonly exact: (x: ExactReals.Real, y: ExactReals.Real) => ExactReals.Real
  readonly inDomain?: (x: number, y: number) => boolean
}

const half = (x: ExactReals.Real) => x / 2n
const unit = (x: number) => Math.abs(x) <= 1
export const claims: Record<Vectors.FunctionName, Claim> = {
  exp: { ulps: 0.65, nativeUlps: 1, exact: exp, inDomain: (x) => Math.abs(x) < 700 },
  expm1: { ulps: 0.6, nativeUlps: 1, exact: (x) => exp(x) - one, inDomain: (x) => Math.abs(x) < 700 },
  sinh: {
    ulps: 0.6,
    nativeUlps: 2,
    exact: (x) => half(expOf(x)[0] - expOf(x)[1]),
    inDomain: (x) => Math.abs(x) < 700
  },
  cosh: {
    ulps: 0.55,
    nativeUlps: 2,
    exact: (x) => half(expOf(x)[0] + expOf(x)[1]),
    inDomain: (x) => Math.abs(x) < 700
  },
  tanh: {
    ulps: 0.6,
    nativeUlps: 3,
    exact: (x) => ExactReals.divide(expOf(x)[0] - expOf(x)[1], expOf(x)[0] + expOf(x)[1]),
    inDomain: (x) => Math.abs(x) < 700
  },
  log: { ulps: 0.55, nativeUlps: 1, exact: log, inDomain: (x) => x > 0 },
  log2: {
    ulps: 0.55,
    nativeUlps: 2,
    exact: (x) => ExactReals.divide(log(x), ExactReals.ln2),
    inDomain: (x) => x > 0
  },
  log10: {
    ulps: 0.55,
    nativeUlps: 2,
    exact: (x) => ExactReals.divide(log(x), log(10n * one)),
    inDomain: (x) => x > 0
  },
  log1p: { ulps: 0.55, nativeUlps: 1, exact: (x) => log(one + x), inDomain: (x) => x > -1 },
  asinh: { ulps: 0.55, nativeUlps: 2, exact: (x) => log(x + sqrt(one + times(x, x))), inDomain: (x) => x > -32 },
  acosh: { ulps: 0.55, nativeUlps: 2, exact: (x) => log(x + sqrt(times(x, x) - one)), inDomain: (x) => x >= 1 },
  atanh: {
    ulps: 0.55,
    nativeUlps: 2,
    exact: (x) => half(log(ExactReals.divide(one + x, one - x))),
    inDomain: (x) => Math.abs(x) < 1
  },
  sin: { ulps: 0.55, nativeUlps: 1, exact: ExactReals.sin },
  cos: { ulps: 0.55, nativeUlps: 1, exact: ExactReals.cos },
  tan: { ulps: 0.55, nativeUlps: 1, exact: ExactReals.tan },
  asin: {
    ulps: 0.52,
    nativeUlps: 1,
    exact: (x) => ExactReals.atan2(x, sqrt(one - times(x, x))),
    inDomain: unit
  },
  acos: {
    ulps: 0.52,
    nativeUlps: 1,
    exact: (x) => ExactReals.atan2(sqrt(one - times(x, x)), x),
    inDomain: unit
  },
  atan: { ulps: 0.52, nativeUlps: 1, exact: ExactReals.atan },
  atan2: { ulps: 0.52, nativeUlps: 1, exact: ExactReals.atan2 },
  cbrt: { ulps: 0.51, nativeUlps: 1, exact: ExactReals.cbrt },
  hypot: { ulps: 0.51, nativeUlps: 2, exact: (x, y) => sqrt(times(x, x) + times(y, y)) },
  pow: {
    ulps: 0.65,
    nativeUlps: 2,
    exact: (x, y) => exp(times(y, log(x))),
    inDomain: (x, y) => x > 0 && Math.abs(y * Math.log(x)) < 700
  }
}

export const functionOf = (from: object, name: Vectors.FunctionName) =>
  (from as Record<string, (x: number, y?: number) => number>)[name]!
export const apply = (from: object, name: Vectors.FunctionName, x: number, y: number) =>
  Vectors.isBinary(name) ? functionOf(from, name)(x, y) : functionOf(from, name)(x)

/** The bits of a double as a number on a line: neighbours differ by 1. */
const position = (x: number): bigint => {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, x)
  const bits = view.getBigInt64(0)
  return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits
}
export const ulpsApart = (a: number, b: number) => {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b) ? 0 : Infinity
  const distance = position(a) - position(b)
  return Number(distance < 0n ? -distance : distance)
}

/** The largest error of a function in ulp, over seeded arguments in its domain, and the argument that has it. */
export const worstError = (name: Vectors.FunctionName, seed: number, count: number) => {
  const { exact, inDomain } = claims[name]
  const next = Vectors.makeInputs(seed)
  // The reference keeps 1,400 binary places: below 2^-500, too few of them are left for a quotient or a square.
  const fits = (x: number) => Math.abs(x) < 2 ** 500 && Math.abs(x) > 2 ** -500
  let worst = { ulps: 0, x: NaN, y: NaN }
  for (let tested = 0; tested < count;) {
    const x = next()
    const y = Vectors.isBinary(name) ? next() : 1
    if (!fits(x) || !fits(y) || !(inDomain?.(x, y) ?? true)) continue
    tested++
    const ulps = ExactReals.ulpsBetween(apply(DeterministicMath, name, x, y), exact(fromNumber(x), fromNumber(y)))
    if (ulps > worst.ulps) worst = { ulps, x, y }
  }
  return worst
}
