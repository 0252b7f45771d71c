import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import * as DeterministicMath from "../src/DeterministicMath.ts"
import { apply, claims, functionOf, ulpsApart, worstError } from "./DeterministicMathClaims.ts"
import * as ExactReals from "./ExactReals.ts"
import * as Vectors from "./vectors/DeterministicMathVectors.ts"

const { fromNumber, one, pi } = ExactReals

describe.each(Vectors.names)("%s", (name) => {
  const claim = claims[name]

  it("has the same 20,000 results as on every other runtime", () => {
    expect(Vectors.resultHash(name)).toBe(Vectors.golden[name])
  })

  it(`is within ${claim.ulps} ulp of the true value`, () => {
    const worst = worstError(name, 0xacc, 120)
    expect(worst.ulps, `${name}(${worst.x}, ${worst.y})`).toBeLessThanOrEqual(claim.ulps)
  })

  it(`is within ${claim.nativeUlps} ulp of the engine's own, and special where that is`, () => {
    const next = Vectors.makeInputs(0xbeef)
    for (let i = 0; i < 20_000; i++) {
      const x = next()
      const y = next()
      const apart = ulpsApart(apply(DeterministicMath, name, x, y), apply(Math, name, x, y))
      expect(apart, `${name}(${x}, ${y})`).toBeLessThanOrEqual(claim.nativeUlps)
    }
  })
})

describe("special values of ECMA-262", () => {
  const { PI } = Math
  const tiny = Number.MIN_VALUE
  const unary: Record<string, ReadonlyArray<readonly [x: number, result: number]>> = {
    acos: [
      [NaN, NaN],
      [1.0000000000000002, NaN],
      [-1.0000000000000002, NaN],
      [1, 0],
      [-1, PI],
      [0, PI / 2],
      [Infinity, NaN]
    ],
    acosh: [
      [NaN, NaN],
      [0.9999999999999999, NaN],
      [1, 0],
      [Infinity, Infinity],
      [-Infinity, NaN]
    ],
    asin: [
      [NaN, NaN],
      [1.0000000000000002, NaN],
      [-1.0000000000000002, NaN],
      [0, 0],
      [-0, -0],
      [1, PI / 2],
      [-1, -PI / 2],
      [tiny, tiny]
    ],
    asinh: [
      [NaN, NaN],
      [0, 0],
      [-0, -0],
      [Infinity, Infinity],
      [-Infinity, -Infinity],
      [tiny, tiny]
    ],
    atan: [
      [NaN, NaN],
      [0, 0],
      [-0, -0],
      [Infinity, PI / 2],
      [-Infinity, -PI / 2],
      [1, PI / 4],
      [tiny, tiny]
    ],
    atanh: [
      [NaN, NaN],
      [1.0000000000000002, NaN],
      [-1.0000000000000002, NaN],
      [1, Infinity],
      [-1, -Infinity],
      [0, 0],
      [-0, -0]
    ],
    cbrt: [
      [NaN, NaN],
      [0, 0],
      [-0, -0],
      [Infinity, Infinity],
      [-Infinity, -Infinity],
      [-27, -3]
    ],
    cos: [
      [NaN, NaN],
      [0, 1],
      [-0, 1],
      [Infinity, NaN],
      [-Infinity, NaN]
    ],
    cosh: [
      [NaN, NaN],
      [0, 1],
      [-0, 1],
      [Infinity, Infinity],
      [-Infinity, Infinity],
      [710.4758600739439, 1.7976931348621744e308],
      [711, Infinity]
    ],
    exp: [
      [NaN, NaN],
      [0, 1],
      [-0, 1],
      [Infinity, Infinity],
      [-Infinity, 0],
      [709.782712893384, 1.7976931348622732e308],
      [709.7827128933841, Infinity],
      [-745.1332191019411, tiny],
      [-745.1332191019412, 0]
    ],
    expm1: [
      [NaN, NaN],
      [0, 0],
      [-0, -0],
      [Infinity, Infinity],
      [-Infinity, -1],
      [tiny, tiny],
      [710, Infinity]
    ],
    log: [
      [NaN, NaN],
      [-tiny, NaN],
      [-Infinity, NaN],
      [1, 0],
      [0, -Infinity],
      [-0, -Infinity],
      [Infinity, Infinity],
      [tiny, -744.4400719213812]
    ],
    log10: [
      [NaN, NaN],
      [-1, NaN],
      [1, 0],
      [0, -Infinity],
      [-0, -Infinity],
      [Infinity, Infinity]
    ],
    log1p: [
      [NaN, NaN],
      [-1.0000000000000002, NaN],
      [-Infinity, NaN],
      [-1, -Infinity],
      [0, 0],
      [-0, -0],
      [Infinity, Infinity],
      [tiny, tiny]
    ],
    log2: [
      [NaN, NaN],
      [-1, NaN],
      [1, 0],
      [0, -Infinity],
      [-0, -Infinity],
      [Infinity, Infinity],
      [tiny, -1074]
    ],
    sin: [
      [NaN, NaN],
      [0, 0],
      [-0, -0],
      [Infinity, NaN],
      [-Infinity, NaN],
      [tiny, tiny],
      [PI, 1.2246467991473532e-16]
    ],
    sinh: [
      [NaN, NaN],
      [0, 0],
      [-0, -0],
      [Infinity, Infinity],
      [-Infinity, -Infinity],
      [tiny, tiny],
      [-711, -Infinity]
    ],
    tan: [
      [NaN, NaN],
      [0, 0],
      [-0, -0],
      [Infinity, NaN],
      [-Infinity, NaN],
      [tiny, tiny],
      [PI / 2, 16331239353195370]
    ],
    tanh: [
      [NaN, NaN],
      [0, 0],
      [-0, -0],
      [Infinity, 1],
      [-Infinity, -1],
      [tiny, tiny]
    ]
  }
  it.each(Object.entries(unary))("%s", (name, cases) => {
    for (const [x, result] of cases) {
      expect(functionOf(DeterministicMath, name as Vectors.FunctionName)(x), `${name}(${x})`).toBe(result)
    }
  })

  const binary: Record<string, ReadonlyArray<readonly [x: number, y: number, result: number]>> = {
    atan2: [
      [NaN, 1, NaN],
      [1, NaN, NaN],
      [1, 0, PI / 2],
      [1, -0, PI / 2],
      [-1, 0, -PI / 2],
      [-1, -0, -PI / 2],
      [0, 1, 0],
      [0, 0, 0],
      [0, -0, PI],
      [0, -1, PI],
      [-0, 1, -0],
      [-0, 0, -0],
      [-0, -0, -PI],
      [-0, -1, -PI],
      [1, Infinity, 0],
      [-1, Infinity, -0],
      [1, -Infinity, PI],
      [-1, -Infinity, -PI],
      [Infinity, 1, PI / 2],
      [-Infinity, 1, -PI / 2],
      [Infinity, Infinity, PI / 4],
      [Infinity, -Infinity, (3 * PI) / 4],
      [-Infinity, Infinity, -PI / 4],
      [-Infinity, -Infinity, (-3 * PI) / 4],
      [tiny, Number.MAX_VALUE, 0],
      [-tiny, Number.MAX_VALUE, -0],
      [tiny, -Number.MAX_VALUE, PI],
      [tiny, tiny, PI / 4]
    ],
    pow: [
      [NaN, 0, 1],
      [NaN, -0, 1],
      [2, NaN, NaN],
      [1, NaN, NaN],
      [NaN, 1, NaN],
      [Infinity, 2, Infinity],
      [Infinity, -2, 0],
      [-Infinity, 3, -Infinity],
      [-Infinity, 2, Infinity],
      [-Infinity, 2.5, Infinity],
      [-Infinity, -3, -0],
      [-Infinity, -2, 0],
      [0, 2, 0],
      [0, -2, Infinity],
      [-0, 3, -0],
      [-0, 2, 0],
      [-0, -3, -Infinity],
      [-0, -2, Infinity],
      [-0, -2.5, Infinity],
      [2, Infinity, Infinity],
      [-2, Infinity, Infinity],
      [1, Infinity, NaN],
      [-1, Infinity, NaN],
      [0.5, Infinity, 0],
      [2, -Infinity, 0],
      [1, -Infinity, NaN],
      [-1, -Infinity, NaN],
      [-0.5, -Infinity, Infinity],
      [0, -Infinity, Infinity],
      [-8, 1 / 3, NaN],
      [-2, 3, -8],
      [-2, 2, 4],
      [2, 1024, Infinity],
      [2, -1074, tiny],
      [2, -1076, 0],
      [-1, 9_007_199_254_740_991, -1],
      [-1, 9_007_199_254_740_992, 1],
      [1, 1e300, 1]
    ]
  }
  it.each(Object.entries(binary))("%s", (name, cases) => {
    for (const [x, y, result] of cases) {
      expect(functionOf(DeterministicMath, name as Vectors.FunctionName)(x, y), `${name}(${x}, ${y})`).toBe(result)
    }
  })

  it("hypot, of any number of arguments", () => {
    const { hypot } = DeterministicMath
    expect(hypot()).toBe(0)
    expect(hypot(-0)).toBe(0)
    expect(hypot(-3)).toBe(3)
    expect(hypot(NaN, -Infinity)).toBe(Infinity)
    expect(hypot(NaN, 1)).toBe(NaN)
    expect(hypot(1, 2, 2)).toBe(3)
    expect(hypot(3e300, 4e300)).toBe(5e300)
    expect(hypot(Number.MAX_VALUE, Number.MAX_VALUE)).toBe(Infinity)
    expect(hypot(3 * tiny, 4 * tiny)).toBe(5 * tiny)
  })
})

describe("exact results", () => {
  it("are found for powers of two and ten, for cubes and for whole powers that fit", () => {
    for (let n = -1074; n <= 1023; n++) expect(DeterministicMath.log2(DeterministicMath.pow(2, n))).toBe(n)
    for (let n = 0; n <= 22; n++) expect(DeterministicMath.log10(Number(`1e${n}`))).toBe(n)
    for (let n = 1; n <= 2000; n++) expect(DeterministicMath.cbrt(n * n * n)).toBe(n)
    for (let base = 2; base <= 12; base++) {
      for (let n = 1, power = base; power <= Number.MAX_SAFE_INTEGER; n++, power *= base) {
        expect(DeterministicMath.pow(base, n)).toBe(power)
      }
    }
    for (const [a, b, c] of [
      [3, 4, 5],
      [5, 12, 13],
      [20, 21, 29],
      [119, 120, 169]
    ] as const) {
      expect(DeterministicMath.hypot(a, b)).toBe(c)
    }
  })

  it("of arguments near a multiple of pi/2 keep all their bits", () => {
    // The double nearest to a multiple of pi/2 among all doubles (Kahan): 6381956970095103 * 2^797.
    const x = 6_381_956_970_095_103 * 2 ** 797
    expect(ExactReals.ulpsBetween(DeterministicMath.cos(x), ExactReals.cos(fromNumber(x)))).toBeLessThanOrEqual(0.55)
    expect(ExactReals.ulpsBetween(DeterministicMath.tan(x), ExactReals.tan(fromNumber(x)))).toBeLessThanOrEqual(0.55)
    for (let n = 1; n <= 200; n++) {
      const near = Number((fromNumber(n) * pi) / (2n * one)) / 2 ** 1400 || (n * Math.PI) / 2
      const error = ExactReals.ulpsBetween(DeterministicMath.sin(near), ExactReals.sin(fromNumber(near)))
      expect(error, `sin(${near})`).toBeLessThanOrEqual(0.55)
    }
  })

  it("are odd or even as the function is", () => {
    const { asin, asinh, atan, atanh, cbrt, cos, cosh, sin, sinh, tan, tanh } = DeterministicMath
    fc.assert(
      fc.property(fc.double(), (x) => {
        for (const f of [asin, asinh, atan, atanh, cbrt, sin, sinh, tan, tanh]) expect(f(-x)).toBe(-f(x))
        for (const f of [cos, cosh]) expect(f(-x)).toBe(f(x))
      })
    )
  })

  it("of pow are x for the power 1 and 1 for the power 0, for every x", () => {
    fc.assert(
      fc.property(fc.double(), (x) => {
        expect(DeterministicMath.pow(x, 1)).toBe(x)
        expect(DeterministicMath.pow(x, 0)).toBe(1)
      })
    )
  })
})
