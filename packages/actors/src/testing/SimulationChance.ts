/**
 * The chance of a simulation: every number in it comes from one seed, and a digest of all that were drawn tells two runs apart.
 * Generator: splitmix32 of the seed, then xorshift32 (G. Marsaglia, "Xorshift RNGs", 2003). Not for secrets.
 */
export class SimulationChance {
  readonly seed: number
  private state: number
  private hash: number

  constructor(seed: number) {
    this.seed = seed
    this.state = mixed(seed) || 1
    this.hash = fnvOffset
  }

  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    const value = Math.floor(this.double() * bound)
    this.note(value)
    return value
  }

  /** True with this probability. */
  happens(probability: number): boolean {
    return probability > 0 && this.below(1_000_000) < probability * 1_000_000
  }

  /** A number in [0, 1). */
  double(): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x
    return (x >>> 0) / 4_294_967_296
  }

  /** Adds a number to the digest. */
  note(value: number): void {
    this.hash = Math.imul(this.hash ^ value, fnvPrime)
  }

  /** Eight hexadecimal digits of everything that was drawn and noted so far. */
  get digest(): string {
    return (this.hash >>> 0).toString(16).padStart(8, "0")
  }
}

// FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/
const fnvOffset = 0x811c9dc5
const fnvPrime = 0x01000193

/** Neighbouring seeds must begin far apart. */
const mixed = (seed: number): number => {
  let x = (seed + 0x9e3779b9) | 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return x ^ (x >>> 15)
}
