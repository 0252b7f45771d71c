/**
 * What the tiny model learns: six small domains in which an answer is right or wrong, to the letter.
 */
import { integer, type RandomStream } from "../../model/RandomStream.ts"
import type { Example, Source } from "../Examples.ts"
import * as Splits from "../Splits.ts"
import * as English from "./English.ts"

export const domains = ["arithmetic", "brackets", "dates", "english", "reversing", "sorting"] as const
export type Domain = (typeof domains)[number]

/** Examples of a domain that belong to a split. */
export const source =
  (domain: Domain, split: Splits.Split): Source =>
  (random) => {
    for (;;) {
      const example = generators[domain](random)
      if (Splits.of(example.turns.map(({ content }) => content).join("\n")) === split) return example
    }
  }

/** Examples of all domains, as often as `shares` says. */
export const mixture =
  (shares: { readonly [Name in Domain]: number }, split: Splits.Split): Source =>
  (random) => {
    const total = domains.reduce((sum, domain) => sum + shares[domain], 0)
    let at = random() * total
    const chosen = domains.find((domain) => (at -= shares[domain]) < 0) ?? domains[0]
    return source(chosen, split)(random)
  }

const ask = (content: string, answer: string): Example => ({ turns: [{ role: "user", content }], answer })

const word = (random: RandomStream): string =>
  Array.from({ length: integer(random, 3, 6) }, () => String.fromCharCode(97 + integer(random, 0, 25))).join("")

const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December"
]
const openers = "([{<"
const closers = ")]}>"

const generators: { readonly [Name in Domain]: Source } = {
  arithmetic: (random) => {
    const [a, b] = [integer(random, 0, 99), integer(random, 0, 99)]
    return random() < 0.5
      ? ask(`${a}+${b}=`, `${a + b}`)
      : ask(`${Math.max(a, b)}-${Math.min(a, b)}=`, `${Math.abs(a - b)}`)
  },
  brackets: (random) => {
    const kinds = Array.from({ length: integer(random, 3, 8) }, () => integer(random, 0, 3))
    return ask(
      `close ${kinds.map((kind) => openers[kind]).join("")}`,
      kinds
        .toReversed()
        .map((kind) => closers[kind])
        .join("")
    )
  },
  dates: (random) => {
    const [year, month, day] = [integer(random, 1900, 2099), integer(random, 1, 12), integer(random, 1, 28)]
    const digits = (value: number) => String(value).padStart(2, "0")
    return ask(`date ${year}-${digits(month)}-${digits(day)}`, `${day} ${months[month - 1]!} ${year}`)
  },
  english: English.fact,
  reversing: (random) => {
    const text = word(random)
    return ask(`reverse ${text}`, [...text].toReversed().join(""))
  },
  sorting: (random) => {
    const text = word(random)
    return ask(`sort ${text}`, [...text].toSorted().join(""))
  }
}
