/**
 * BLAKE3 written for reading and not for speed, straight from the paper: what our WebAssembly is compared with where no
 * library gives chaining values. https://github.com/BLAKE3-team/BLAKE3-specs/blob/master/blake3.pdf
 */
const iv = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]
const permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
const rotate = (word: number, bits: number) => (word >>> bits) | (word << (32 - bits))

/** One block of at most 64 bytes into a chaining value of eight words. */
const compress = (
  chain: ReadonlyArray<number>,
  block: Uint8Array,
  counter: number,
  flags: number
): ReadonlyArray<number> => {
  const padded = new DataView(new ArrayBuffer(64))
  block.forEach((byte, i) => padded.setUint8(i, byte))
  let message = Array.from({ length: 16 }, (_, i) => padded.getUint32(4 * i, true))
  const v = [...chain, ...iv.slice(0, 4), counter | 0, Math.floor(counter / 2 ** 32), block.length, flags]
  const mix = (a: number, b: number, c: number, d: number, x: number, y: number) => {
    v[a] = (v[a]! + v[b]! + x) | 0
    v[d] = rotate(v[d]! ^ v[a]!, 16)
    v[c] = (v[c]! + v[d]!) | 0
    v[b] = rotate(v[b]! ^ v[c]!, 12)
    v[a] = (v[a]! + v[b]! + y) | 0
    v[d] = rotate(v[d]! ^ v[a]!, 8)
    v[c] = (v[c]! + v[d]!) | 0
    v[b] = rotate(v[b]! ^ v[c]!, 7)
  }
  for (let round = 0; round < 7; round++) {
    for (let i = 0; i < 4; i++) mix(i, 4 + i, 8 + i, 12 + i, message[2 * i]!, message[2 * i + 1]!)
    for (let i = 0; i < 4; i++) {
      mix(i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4), message[8 + 2 * i]!, message[9 + 2 * i]!)
    }
    message = permutation.map((i) => message[i]!)
  }
  return iv.map((_, i) => v[i]! ^ v[i + 8]!)
}

const bytesOf = (words: ReadonlyArray<number>): Uint8Array => {
  const view = new DataView(new ArrayBuffer(32))
  words.forEach((word, i) => view.setInt32(4 * i, word, true))
  return new Uint8Array(view.buffer)
}

/** The parent of two chaining values, 64 bytes together. */
export const parentOf = (children: Uint8Array, isRoot = false): Uint8Array =>
  bytesOf(compress(iv, children, 0, isRoot ? 12 : 4))

/** The chaining value of the subtree whose first chunk has this number. */
export const subtreeOf = (content: Uint8Array, firstChunk: number, isRoot = false): Uint8Array => {
  if (content.length > 1024) {
    const left = 2 ** Math.floor(Math.log2(Math.ceil(content.length / 1024) - 0.5)) * 1024
    const children = new Uint8Array(64)
    children.set(subtreeOf(content.subarray(0, left), firstChunk), 0)
    children.set(subtreeOf(content.subarray(left), firstChunk + left / 1024), 32)
    return parentOf(children, isRoot)
  }
  let chain: ReadonlyArray<number> = iv
  const blocks = Math.max(1, Math.ceil(content.length / 64))
  for (let i = 0; i < blocks; i++) {
    const isLast = i === blocks - 1
    const flags = (i === 0 ? 1 : 0) | (isLast ? 2 : 0) | (isLast && isRoot ? 8 : 0)
    chain = compress(chain, content.subarray(64 * i, 64 * i + 64), firstChunk, flags)
  }
  return bytesOf(chain)
}
