/** Numbers below a bound, the same for the same seed (xorshift, G. Marsaglia 2003). */
export const randomOf = (seed: number) => {
  let x = Math.imul(seed, 0x9e3779b1) || 1
  return (below: number) => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) % below
  }
}
