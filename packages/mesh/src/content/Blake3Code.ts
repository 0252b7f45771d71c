/**
 * Writes the WebAssembly that `Blake3.ts` runs: the compression function of BLAKE3 over a row of equally long inputs,
 * once for one input at a time and once for four at a time, a lane of a 128-bit vector each.
 *
 * The module is made when this package is loaded (a few milliseconds) and is no file of its own: what is read here is
 * what runs. Both functions come from the same text, so that a test of one is a test of the other.
 * Source of the algorithm: https://github.com/BLAKE3-team/BLAKE3-specs/blob/master/blake3.pdf, sections 2.1 to 2.5.
 */

/** Memory from here on, 256 bytes of it, belongs to `four`. Callers use what lies below. */
export const scratchAt = 5 * 65_536 - 256

/** What the module exports. All addresses and lengths are in bytes; lengths are multiples of 64 but for the last block. */
export interface Blake3Exports {
  readonly memory: WebAssembly.Memory
  /** Hashes one input. */
  readonly one: HashInputs
  /** Hashes four inputs that lie `stride` bytes apart. Absent where the engine has no vectors. */
  readonly four?: HashInputs
}

/**
 * Hashes inputs of `blocks` blocks of 64 bytes each, of whose last one `lastLength` bytes count (the rest must be zero),
 * and writes their chaining values, 32 bytes each, to `out`. The counter of input i is `counter + i * counterStep`.
 * `flags` are set on all blocks, `startFlags` also on the first, `endFlags` also on the last.
 */
export type HashInputs = (
  input: number,
  stride: number,
  blocks: number,
  lastLength: number,
  counter: number,
  counterStep: number,
  flags: number,
  startFlags: number,
  endFlags: number,
  out: number
) => void

type Code = ReadonlyArray<number>

const i32 = 0x7f
const v128 = 0x7b
const signature = Array.from({ length: 10 }, () => i32)
const [input, stride, blocks, lastLength, counter, counterStep, flags, startFlags, endFlags, out] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9
] as const
/** The first local behind the parameters: flags of the block at hand. */
const blockFlags = 10
/** From here on the locals are lanes: 8 words of the chaining value, 16 of the state, the counters, 16 of the message. */
const chain = (i: number): number => 11 + i
const state = (i: number): number => 19 + i
const counters = 35
const message = (i: number): number => 36 + i

const initial = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]
/** Which word of the message takes which place in the next round. */
const permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
/** Which words of the state each of the eight mixings of a round takes: first the columns, then the diagonals. */
const mixings = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14]
] as const

const unsigned = (value: number): Code => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)])
const signed = (value: number): Code =>
  value >= -64 && value < 64 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]

/** Instructions that belong together. */
const line = (...parts: ReadonlyArray<Code>): Code => parts.flat()

const get = (local: number): Code => [0x20, ...unsigned(local)]
const set = (local: number): Code => [0x21, ...unsigned(local)]
const constant = (value: number): Code => [0x41, ...signed(value | 0)]
const add: Code = [0x6a]
const multiply: Code = [0x6c]
const or: Code = [0x72]
const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)]
/** Loads and stores promise no alignment. */
const at = (offset: number): Code => [0, ...unsigned(offset)]

/** The operations on words that differ between one lane and four. */
interface Lanes {
  readonly type: number
  readonly locals: number
  readonly splat: Code
  readonly add: Code
  readonly xor: Code
  /** Rotates the word on the stack to the right. */
  readonly rotate: (bits: 7 | 8 | 12 | 16, scratch: number) => Code
  /** Sets `counters`. */
  readonly count: Code
  /** Takes the 16 words of the message from memory at `input`. */
  readonly load: Code
  /** Puts a word of the message on the stack. */
  readonly message: (i: number) => Code
  /** Writes the chaining values to memory at `out`. */
  readonly store: Code
}

const words = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

const oneLane: Lanes = {
  type: i32,
  locals: 41,
  splat: [],
  add,
  xor: [0x73],
  rotate: (bits) => [...constant(bits), 0x78],
  count: [...get(counter), ...set(counters)],
  load: words(16).flatMap((i) => [...get(input), 0x28, ...at(4 * i), ...set(message(i))]),
  message: (i) => get(message(i)),
  store: words(8).flatMap((i) => [...get(out), ...get(chain(i)), 0x36, ...at(4 * i)])
}

/** Picks 16 bytes of two vectors; words 0 to 3 are of the first, 4 to 7 of the second. */
const pickWords = (picked: ReadonlyArray<number>): Code => [
  ...simd(0x0d),
  ...picked.flatMap((word) => [4 * word, 4 * word + 1, 4 * word + 2, 4 * word + 3])
]

/** Four vectors, one an input, become four of which each holds the same word of all inputs; and back. */
const transpose = (from: ReadonlyArray<number>, to: ReadonlyArray<number>, scratch: ReadonlyArray<number>): Code => {
  const pair = (a: number, b: number, picked: ReadonlyArray<number>, target: number): Code => [
    ...get(a),
    ...get(b),
    ...pickWords(picked),
    ...set(target)
  ]
  const [a, b, c, d] = from as readonly [number, number, number, number]
  const [lowAB, highAB, lowCD, highCD] = scratch as readonly [number, number, number, number]
  return [
    ...pair(a, b, [0, 4, 1, 5], lowAB),
    ...pair(a, b, [2, 6, 3, 7], highAB),
    ...pair(c, d, [0, 4, 1, 5], lowCD),
    ...pair(c, d, [2, 6, 3, 7], highCD),
    ...pair(lowAB, lowCD, [0, 1, 4, 5], to[0]!),
    ...pair(lowAB, lowCD, [2, 3, 6, 7], to[1]!),
    ...pair(highAB, highCD, [0, 1, 4, 5], to[2]!),
    ...pair(highAB, highCD, [2, 3, 6, 7], to[3]!)
  ]
}

/** `input + lane * stride` on the stack. */
const inputOf = (lane: number): Code => [...get(input), ...get(stride), ...constant(lane), ...multiply, ...add]

const messageAt = (i: number): Code => at(scratchAt + 16 * i)

const fourLanes: Lanes = {
  type: v128,
  locals: 25,
  splat: simd(0x11),
  add: simd(0xae),
  xor: simd(0x51),
  rotate: (bits, scratch) =>
    bits === 8 || bits === 16
      ? // Whole bytes move faster than bits.
        [
          ...set(scratch),
          ...get(scratch),
          ...get(scratch),
          ...simd(0x0d),
          ...words(16).map((byte) => (byte & ~3) | ((byte + bits / 8) & 3))
        ]
      : [
          ...set(scratch),
          ...get(scratch),
          ...constant(bits),
          ...simd(0xad),
          ...get(scratch),
          ...constant(32 - bits),
          ...simd(0xab),
          ...simd(0x50)
        ],
  count: [
    ...get(counter),
    ...simd(0x11),
    ...get(counterStep),
    ...simd(0x11),
    ...line(
      simd(0x0c),
      words(4).flatMap((lane) => [lane, 0, 0, 0])
    ),
    ...simd(0xb5),
    ...simd(0xae),
    ...set(counters)
  ],
  load: words(4).flatMap((quarter) => {
    // The state is not in use yet.
    const [vectors, scratch] = [words(4).map(state), words(4).map((i) => state(4 + i))]
    return [
      ...words(4).flatMap((lane) => [...inputOf(lane), ...simd(0x00), ...at(16 * quarter), ...set(vectors[lane]!)]),
      ...transpose(vectors, vectors, scratch),
      ...vectors.flatMap((vector, i) => [...constant(0), ...get(vector), ...simd(0x0b), ...messageAt(4 * quarter + i)])
    ]
  }),
  // In memory, not in locals: JavaScriptCore makes code twice as fast of it, for V8 it is the same (measured).
  message: (i) => [...constant(0), ...simd(0x00), ...messageAt(i)],
  store: words(2).flatMap((half) => {
    const vectors = words(4).map((i) => chain(4 * half + i))
    const scratch = words(4).map((i) => state(i))
    return [
      ...transpose(vectors, vectors, scratch),
      ...words(4).flatMap((lane) => [...get(out), ...get(vectors[lane]!), ...simd(0x0b), ...at(32 * lane + 16 * half)])
    ]
  })
}

/** One mixing of two words of the message into four of the state (section 2.2, function G). */
const mix = (lanes: Lanes, [a, b, c, d]: readonly [number, number, number, number], x: number, y: number): Code => {
  const half = (word: number, first: 16 | 8, second: 12 | 7): Code => [
    ...line(get(state(a)), get(state(b)), lanes.add, lanes.message(word), lanes.add, set(state(a))),
    ...line(get(state(d)), get(state(a)), lanes.xor, lanes.rotate(first, state(d)), set(state(d))),
    ...line(get(state(c)), get(state(d)), lanes.add, set(state(c))),
    ...line(get(state(b)), get(state(c)), lanes.xor, lanes.rotate(second, state(b)), set(state(b)))
  ]
  return [...half(x, 16, 12), ...half(y, 8, 7)]
}

const rounds = (lanes: Lanes): Code => {
  let order = words(16)
  return words(7).flatMap(() => {
    const code = mixings.flatMap((places, i) => mix(lanes, places, order[2 * i]!, order[2 * i + 1]!))
    order = permutation.map((place) => order[place]!)
    return code
  })
}

const hashInputs = (lanes: Lanes): Code => {
  const splat = (value: number): Code => [...constant(value), ...lanes.splat]
  const isLast: Code = [...get(blocks), ...constant(1), 0x46]
  const loop: Code = [
    ...lanes.load,
    ...words(8).flatMap((i) => [...get(chain(i)), ...set(state(i))]),
    ...words(4).flatMap((i) => [...splat(initial[i]!), ...set(state(8 + i))]),
    ...line(get(counters), set(state(12))),
    // The upper half of the counter: inputs of 4 TiB and more are not ours.
    ...line(splat(0), set(state(13))),
    ...line(get(lastLength), constant(64), isLast, [0x1b], lanes.splat, set(state(14))),
    ...line(get(blockFlags), get(endFlags), constant(0), isLast, [0x1b], or, lanes.splat, set(state(15))),
    ...rounds(lanes),
    ...words(8).flatMap((i) => [...get(state(i)), ...get(state(8 + i)), ...lanes.xor, ...set(chain(i))]),
    ...line(get(flags), set(blockFlags)),
    ...line(get(input), constant(64), add, set(input)),
    ...line(get(blocks), constant(-1), add, [0x22], unsigned(blocks), [0x0d, 0])
  ]
  return [
    ...words(8).flatMap((i) => [...splat(initial[i]!), ...set(chain(i))]),
    ...lanes.count,
    ...line(get(flags), get(startFlags), or, set(blockFlags)),
    ...line([0x03, 0x40], loop, [0x0b]),
    ...lanes.store,
    0x0b
  ]
}

/** The name of the format, and version 1. */
const magic: Code = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
const sized = (content: Code): Code => [...unsigned(content.length), ...content]
const list = (items: ReadonlyArray<Code>): Code => [...unsigned(items.length), ...items.flat()]
const section = (id: number, items: ReadonlyArray<Code>): Code => [id, ...sized(list(items))]
const text = (name: string): Code => sized([...new TextEncoder().encode(name)])

/** The module, with five pages of 64 KiB of memory; without `four` where the engine has no `vectors`. */
export const emit = (vectors: boolean): Uint8Array<ArrayBuffer> => {
  const body = (lanes: Lanes): Code =>
    sized([
      ...list([
        [1, i32],
        [lanes.locals, lanes.type]
      ]),
      ...hashInputs(lanes)
    ])
  return new Uint8Array([
    ...magic,
    ...section(1, [[0x60, ...list(signature.map((type) => [type])), 0]]),
    ...section(3, vectors ? [[0], [0]] : [[0]]),
    ...section(5, [[0x00, 5]]),
    ...section(7, [
      [...text("memory"), 0x02, 0],
      [...text("one"), 0x00, 0],
      ...(vectors ? [[...text("four"), 0x00, 1]] : [])
    ]),
    ...section(10, vectors ? [body(oneLane), body(fourLanes)] : [body(oneLane)])
  ])
}
