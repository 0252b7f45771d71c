/** Numbers run through a chain of actors, each of which keeps the multiples of its primes from going on. An operation is one number. */
import { check, finished, type Program, type Send } from "./Library.ts"

const primesEach = 1_000
const burst = 500

export const sieve: Program = {
  id: "sieve",
  label: "Sieve of primes",
  run: async ({ spawn }, operations) => {
    const found = await finished<number>((done) => {
      let primes = 0
      let next = 3
      /** An odd number; -1 for the end of a burst. */
      const filter = (): Send<number> => {
        const own: Array<number> = []
        let following: Send<number> | undefined
        return spawn((number) => {
          if (number < 0) return following === undefined ? source(0) : following(number)
          for (const prime of own) {
            if (prime * prime > number) break
            if (number % prime === 0) return
          }
          if (own.length === primesEach) return (following ??= filter())(number)
          own.push(number)
          primes++
        })
      }
      const first = filter()
      const source: Send<number> = spawn(() => {
        const end = Math.min(next + 2 * burst, 3 + 2 * operations)
        if (next === end) return done(primes)
        for (; next < end; next += 2) first(next)
        first(-1)
      })
      source(0)
    })
    check("The number of odd primes", found, oddPrimesBelow(3 + 2 * operations))
  }
}

/** By the sieve of Eratosthenes. */
const oddPrimesBelow = (limit: number): number => {
  const isComposite = new Uint8Array(limit)
  let count = 0
  for (let n = 3; n < limit; n += 2) {
    if (isComposite[n] === 1) continue
    count++
    for (let multiple = n * n; multiple < limit; multiple += 2 * n) isComposite[multiple] = 1
  }
  return count
}
