/** For each example: content id of its module, output, fuel, tier. Printed by `GOLDEN=print bun test/conformance/jit.ts`. */
export const golden: ReadonlyArray<readonly [contentId: string, output: unknown, fuel: number, tier: string]> = [
  ["453068892b5171d14fca15bcfb083041bc20243801eea01a8b9fd6c953945e70", 42, 4, "wasm"],
  ["686c7a3d0f33c5c365e8d638ace288f649eee957e3d2da7d6b3fc6c2f0dac756", 610, 19729, "wasm"],
  ["bdbbabfcf7884b472c4fa03d1961b77784e65f74beb9e3a558bb5cbd1a457d24", 303, 2489089, "wasm"],
  ["14789bc68adb040c15c0ac32a2f39a67be51e40874e26b695e2bdc7035eaa24c", 7.333333333333334, 10144, "wasm"],
  ["16b31a90b8bab3d6e7bf3891bf1eac76d61b8d38ce78637ffca382a69118ad27", "be to not or be to", 5636, "wasm"],
  ["fc5c62c4bbee7e62391f8648391b5db079572372e19506cc6f9a5db55bb908c2", 7.371924647896755, 345, "wasm"],
  [
    "690028a6a0bb3a1c75a6453722347f59ec869111b813ca2b690d9b6bc8418488",
    [0.03574879797201651, 3162277.660168381, 11.512925464970229, "33333.333333333336"],
    314789,
    "quickjs"
  ],
  [
    "10cb9bc92642401422c9b0475647bf8e8fdf275039e4df7e635cefb5382c0771",
    { b: 2, a: 1, sum: 3, keys: ["a", "b"] },
    351915,
    "quickjs"
  ],
  ["6bb8c9890e03bdeb1f127b47c1c2122659279c26ddae7480ca6fdc211cd839f3", "EXAMPLE AT SOMEONE", 238328, "quickjs"],
  ["ee5a35c74fb5a064eb8bffe7762a04bad8098afe9159b61e548155c7725fb8c5", ["x1", "y2"], 311811, "quickjs"],
  ["731b408ceae599a14e636de2c04e09dfa094ca3f0a1cc42ea0d55df667c9f225", 42, 428639, "quickjs"],
  [
    "a755b38f7b2d488a63cb71aca300588c8ae1c4dd67c064f233dfcb8248fe4a55",
    [
      [0, 735],
      [1, 750],
      [2, 665],
      [3, 679],
      [4, 693],
      [5, 707],
      [6, 721]
    ],
    772300,
    "quickjs"
  ],
  ["101b222ec8d58adbb030baf9ae23d945cfd1954f13813cea13758a09136170ce", 443902, 165304, "quickjs"],
  ["77610f376d7b09bb15c28d22693a4304f7891c38f40bb4ca24399fbdb9bf5174", 5457, 45839723, "quickjs"],
  ["4aaad6dd1a7454195d7ddde0dc7d7632141bbc6768be0e154f774ae922fb4105", 42, 4, "wasm"],
  ["255f32aa1bbc01e80bf05140c9a91e7182afe9143c857d6367134de03c215983", "NaN", 6, "wasm"]
]
