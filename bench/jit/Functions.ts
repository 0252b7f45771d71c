/** Functions that go through the whole way, one for each tier. */

export interface Function {
  readonly tier: "wasm" | "quickjs"
  readonly source: string
  readonly input: unknown
  readonly output: unknown
}

export const functions: ReadonlyArray<Function> = [
  { tier: "wasm", source: "(input) => input * 2", input: 21, output: 42 },
  {
    tier: "quickjs",
    source: "(input) => [...new Set(input.split(' '))].sort().map((word) => word.toUpperCase()).join(' ')",
    input: "the quick brown fox jumps over the lazy dog",
    output: "BROWN DOG FOX JUMPS LAZY OVER QUICK THE"
  }
]
