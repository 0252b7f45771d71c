/**
 * Seeded numbers that look random: the same seed gives the same ones on every runtime. Not for secrets.
 * Algorithm: sfc32 of PractRand (Chris Doty-Humphrey, public domain), warmed up by 15 rounds.
 */
import * as DeterministicMath from "@continuum/core/DeterministicMath"

/** The next number in [0, 1), with 32 bits. */
export type RandomStream = () => number

/** `seed`: any whole number; its low 53 bits count. `stream` tells apart streams of one seed. */
export const make = (seed: number, stream = 0): RandomStream => {
  let a = seed >>> 0
  let b = Math.floor(seed / 2 ** 32) >>> 0
  let c = stream >>> 0
  let counter = 1
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
  for (let i = 0; i < 15; i++) next()
  return next
}

/** A whole number from `minimum` to `maximum`, both included. */
export const integer = (random: RandomStream, minimum: number, maximum: number): number =>
  minimum + Math.floor(random() * (maximum - minimum + 1))

/** One of the items, which must not be empty. */
export const pick = <Item>(random: RandomStream, items: ReadonlyArray<Item>): Item =>
  items[Math.floor(random() * items.length)]!

/** From the normal distribution of mean 0 and deviation 1 (Box and Muller, 1958). */
export const normal = (random: RandomStream): number =>
  Math.sqrt(-2 * DeterministicMath.log(1 - random())) * DeterministicMath.cos(2 * Math.PI * random())
