/**
 * What the tiny model learns: six small domains in which an answer is right or wrong, to the letter.
 *
 * A base learns prompts as they are spread evenly, few of which are as short as what people type first ("2+2="). A layer
 * learns short ones more often, and the shortest by heart.
 */
import { integer, type RandomStream } from "../../model/RandomStream.ts"
import type { Example, Source } from "../Examples.ts"
import * as Splits from "../Splits.ts"
import * as English from "./English.ts"

export const domains = ["arithmetic", "brackets", "dates", "english", "reversing", "sorting"] as const
export type Domain = (typeof domains)[number]

/** Examples of a domain that belong to a split, as a layer learns them. */
export const source = (domain: Domain, split: Splits.Split): Source =>
  ofSplit(asked[domain], (prompt) => (isShortest(prompt) ? "train" : Splits.of(prompt)), split)

/** Its shortest prompts: so few that a layer learns all of them by heart, and a report has none. */
export const shortest =
  (domain: Domain): Source =>
  (random) =>
    ofSplit(asked[domain], (prompt) => (isShortest(prompt) ? "train" : "report"), "train")(random)

/** Domains that have such. */
export const withShortest: ReadonlyArray<Domain> = ["arithmetic", "brackets"]

/** Sums of two digits, up to three brackets. */
const isShortest = (prompt: string): boolean => /^(?:\d[+-]\d=|close .{1,3})$/.test(prompt)

const ofSplit =
  (generate: Source, splitOf: (prompt: string) => Splits.Split, split: Splits.Split): Source =>
  (random) => {
    for (;;) {
      const example = generate(random)
      if (splitOf(example.turns.map(({ content }) => content).join("\n")) === split) return example
    }
  }

/** Examples of all domains, as often as `shares` says, as a base learns them. */
export const mixture =
  (shares: { readonly [Name in Domain]: number }, split: Splits.Split): Source =>
  (random) => {
    const total = domains.reduce((sum, domain) => sum + shares[domain], 0)
    let at = random() * total
    const chosen = domains.find((domain) => (at -= shares[domain]) < 0) ?? domains[0]
    return ofSplit(even[chosen], Splits.of, split)(random)
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

const sum =
  (operand: (random: RandomStream) => number): Source =>
  (random) => {
    const [a, b] = [operand(random), operand(random)]
    return random() < 0.5
      ? ask(`${a}+${b}=`, `${a + b}`)
      : ask(`${Math.max(a, b)}-${Math.min(a, b)}=`, `${Math.abs(a - b)}`)
  }

const brackets =
  (lengthMin: number): Source =>
  (random) => {
    const kinds = Array.from({ length: integer(random, lengthMin, 8) }, () => integer(random, 0, 3))
    return ask(
      `close ${kinds.map((kind) => openers[kind]).join("")}`,
      kinds
        .toReversed()
        .map((kind) => closers[kind])
        .join("")
    )
  }

const date =
  (lastDay: (month: number) => number): Source =>
  (random) => {
    const [year, month] = [integer(random, 1900, 2099), integer(random, 1, 12)]
    const day = integer(random, 1, lastDay(month))
    const digits = (value: number) => String(value).padStart(2, "0")
    return ask(`date ${year}-${digits(month)}-${digits(day)}`, `${day} ${months[month - 1]!} ${year}`)
  }

const even: { readonly [Name in Domain]: Source } = {
  arithmetic: sum((random) => integer(random, 0, 99)),
  brackets: brackets(3),
  dates: date(() => 28),
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

/** As people ask: one operand of four has one digit, one or two brackets, and the last days of months. */
const asked: typeof even = {
  ...even,
  arithmetic: sum((random) => integer(random, 0, random() < 0.25 ? 9 : 99)),
  brackets: brackets(1),
  dates: date((month) => (month === 2 ? 28 : [4, 6, 9, 11].includes(month) ? 30 : 31))
}
