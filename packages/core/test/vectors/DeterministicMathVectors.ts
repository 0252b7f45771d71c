/**
 * Seeded inputs for every function of DeterministicMath, and the BLAKE3 hash that its results must have everywhere.
 */
import * as ContentId from "@continuum/core/ContentId"
import * as DeterministicMath from "@continuum/core/DeterministicMath"

export type FunctionName = keyof typeof DeterministicMath

/** The hash of the 20,000 results of `resultBytes`, the same on Bun, Deno and Node. */
export const golden: Readonly<Record<FunctionName, string>> = {
  acos: "c2668b75cdde86098b4078ea9f536fdb1ba8ea10f2fba125e19e56700d6522d1",
  acosh: "46c894c73b84f17538fe504852505212bc36487b9c78275ee5ac6e1c5f7c8ddd",
  asin: "23a9af4dbc6ab9c1423183ed3aedba056c8949c544ddf3eeda77df5a5697f150",
  asinh: "4487d7309344d98c108096b37bc5a5c5c9c32ebeef24b886eff81ff798a058b6",
  atan: "7bf9abeb81ef09c13bdc3303de2edd6c94c7b09afcdec9f22c56a78cf633b4e2",
  atan2: "6a0fc9d919472c4fa004175e8fa5d505d7aff9f78b458b2c64ade52405a2afd7",
  atanh: "aff5d6b503c8ff41872d934efa04c47e5a1308efe1c7ca3ad18771b946aced21",
  cbrt: "1e56130720097e969d82f18ab9a210b8565d5e559e866dbd4d81c9b0afa8c77f",
  cos: "c36c3d3c76fb91e7ed40f99df054dcc6410d633ea472f96fc8edc70befb93cd4",
  cosh: "16cda309d78f60817d58a9b82e0378fa3068eb722f5d2dd28213529ce8af101e",
  exp: "2e53aef4c9dab1ea3973072fa9fa4f4940ad277b6e02d4a2b936d501e62092c5",
  expm1: "2598f5f57e84e7ee27480a1ce2e51052183bf7df122859b078b68b2cc71ff0d4",
  hypot: "ca23db924f0f7b26475acb89ce196b5940f018e936befe66f8fb9f4dabe5cd4a",
  log: "b22710c43333890c0e3ca07df17d9ad4273a55e5e8e5939edfe79cbc2b7a9a84",
  log10: "67dbb0ac57a6c8eab060df5c06672522aab60b89aed6421eba7e5eefdb9b467e",
  log1p: "0cfb13c0f81a8d6f65d591310bdfdcfa1c39d1b945d23afdaeb42e3cbdf10ced",
  log2: "14e8b153b94fe7ca6e3957d1b4299c15205e88141e021f0cb72acaa2dddf2bae",
  pow: "0a0f786543b81414bd0ad26a7c6a6f1cfca81182cf7c4c6b4f48b35c632cc254",
  sin: "22be325b4d3c901132dd464d56a6e4cf1a67e4ee7ef186f7e868ad3cb7f58d13",
  sinh: "aa056afbc1f010e7d08796953ec098807ef8996f77a7eb6f8663e8877b4c6754",
  tan: "5447ecf4e015e9e8ee7d63c8dc17db24f03e4f450e1ab1354dbd2a6169be5884",
  tanh: "70fe4178170469638df9bcebd13c6ecab026d6729051bc373ccf31426760df92"
}

export const names = Object.keys(golden) as ReadonlyArray<FunctionName>

/** Whether the function takes two numbers. */
export const isBinary = (name: FunctionName): boolean => name === "atan2" || name === "hypot" || name === "pow"

/** An endless sequence of 32-bit numbers from a seed: xorshift32 (Marsaglia, Xorshift RNGs, 2003). */
export const makeBits = (seed: number): (() => number) => {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

const view = new DataView(new ArrayBuffer(8))

/** Doubles of every size in turn: any bit pattern, [-1, 1], [-32, 32], near 1, [-800, 800]. */
export const makeInputs = (seed: number): (() => number) => {
  const bits = makeBits(seed)
  const unit = () => (bits() - 2_147_483_648) / 2_147_483_648 + bits() / 9_223_372_036_854_775_808
  let turn = 0
  return () => {
    turn = (turn + 1) % 5
    if (turn === 0) {
      view.setUint32(0, bits())
      view.setUint32(4, bits())
      return view.getFloat64(0)
    }
    if (turn === 1) return unit()
    if (turn === 2) return 32 * unit()
    if (turn === 3) return 1 + unit() / ((bits() >>> (bits() & 31)) + 1)
    return 800 * unit()
  }
}

const inputCount = 20_000
const functions: Readonly<Record<FunctionName, unknown>> = { ...DeterministicMath }

/** The results for `inputCount` seeded inputs as little-endian doubles, every NaN as the same one. */
export const resultBytes = (name: FunctionName): Uint8Array => {
  const next = makeInputs(0x5eed)
  const bytes = new DataView(new ArrayBuffer(8 * inputCount))
  const f = functions[name] as (x: number, y?: number) => number
  for (let i = 0; i < inputCount; i++) {
    const result = isBinary(name) ? f(next(), next()) : f(next())
    if (Number.isNaN(result)) bytes.setUint32(8 * i + 4, 0x7ff80000, true)
    else bytes.setFloat64(8 * i, result, true)
  }
  return new Uint8Array(bytes.buffer)
}

export const resultHash = (name: FunctionName): string => ContentId.of(resultBytes(name))
