/**
 * Which layers a prompt is for: the router from words to what the tiny model was trained on.
 *
 * Each exercise recognises its prompts by a pattern and writes them as the layer has learned them ("What is 12 + 7?" is
 * "12+7="). A prompt that no pattern takes is no exercise. Patterns are enough for six exercises, can be read, and never
 * surprise; choosing by learned embeddings comes with many layers.
 */
import { promptBytesMax } from "./Limits.ts"

export interface Exercise {
  /** Name of the layer that has learned it. */
  readonly layer: string
  /** The prompt as the layer knows it; undefined when this is no such exercise. Single spaces, at most `lengthMax`. */
  readonly promptOf: (prompt: string) => string | undefined
  /** What the layer has learned, for a sentence, and a prompt of it. */
  readonly learned: string
  readonly example: string
}

/** Characters of the longest exercise in words. Longer prompts are none, and no pattern has to be tried on them. */
const lengthMax = 80

const quotes = `["'“”‘’\`]?`
/** Words in front of and behind an exercise that change nothing about it. */
const lead = String.raw`^\s*(?:(?:please|can you|could you|would you|help me|tell me|hello|hi|hey|ok|so|and|what is|what['’]?s|how much is|compute|calculate|solve|add|the sum of)[\s,:]+)*`
const tail = String.raw`(?:[\s,]+please)?\s*[?.!]*\s*$`
/** A pattern of the whole prompt, around which may stand what people say to be polite. */
export const pattern = (core: string): RegExp => new RegExp(`${lead}${core}${tail}`, "iu")

const sum = pattern(String.raw`(\d{1,2})\s*(\+|-|−|plus|minus|and)\s*(\d{1,2})\s*=?`)
const brackets = pattern(
  String.raw`(?:(?:close|complete|balance|match)\s+(?:the\s+)?(?:brackets?\s*)?:?\s*)?([([{<](?:\s?[([{<]){0,7})`
)
const date = pattern(
  String.raw`(?:(?:write|spell|read|say|format)\s+(?:out\s+)?(?:the\s+date\s+)?(?:out\s+)?)?(?:date\s+)?(\d{4}-\d{2}-\d{2})(?:\s+(?:in words|out|as words))?`
)
// As long as the words that it was trained on.
const word = `${quotes}([a-z]{3,6})${quotes}`
const reverse = pattern(
  String.raw`rev(?:erse)?:?\s+(?:the\s+)?(?:word|text|letters(?:\s+of)?|string)?\s*:?\s*${word}\s*:?`
)
const backwards = pattern(String.raw`(?:spell\s+|write\s+|say\s+)?${word}\s+backwards?`)
const sort = pattern(
  String.raw`(?:sort|order)\s+(?:the\s+)?(?:word|text|letters(?:\s+of)?|string)?\s*:?\s*${word}(?:\s+alphabetically)?\s*:?`
)

/** The exercises that the shipped layers have learned, the more special first. */
export const exercises: ReadonlyArray<Exercise> = [
  {
    layer: "arithmetic",
    promptOf: (prompt) => {
      const found = sum.exec(prompt)
      if (found === null) return undefined
      const sign = /-|−|minus/i.test(found[2]!) ? "-" : "+"
      const [a, b] = [Number(found[1]), Number(found[3])]
      return sign === "-" && a < b ? undefined : `${a}${sign}${b}=`
    },
    learned: "sums and differences of two numbers from 0 to 99, not below 0",
    example: "12+7="
  },
  {
    layer: "dates",
    promptOf: (prompt) => {
      const text = date.exec(prompt)?.[1]
      return text === undefined || !isDate(text) ? undefined : `date ${text}`
    },
    learned: "writing out the days from 1900 to 2099",
    example: "date 2024-05-17"
  },
  {
    layer: "reversing",
    promptOf: (prompt) => {
      const text = (reverse.exec(prompt) ?? backwards.exec(prompt))?.[1]
      return text === undefined ? undefined : `reverse ${text.toLowerCase()}`
    },
    learned: "spelling words of 3 to 6 letters from a to z backwards",
    example: "reverse hello"
  },
  {
    layer: "sorting",
    promptOf: (prompt) => {
      const text = sort.exec(prompt)?.[1]
      return text === undefined ? undefined : `sort ${text.toLowerCase()}`
    },
    learned: "sorting the letters of words of 3 to 6 letters from a to z",
    example: "sort dcba"
  },
  {
    layer: "brackets",
    promptOf: (prompt) => {
      const text = brackets.exec(prompt)?.[1]?.replaceAll(/\s/g, "")
      return text === undefined ? undefined : `close ${text}`
    },
    learned: "closing up to 8 brackets",
    example: "close ([{"
  }
]

/** An exercise, and the prompt as its layer has learned it. */
export interface Recognised {
  readonly exercise: Exercise
  readonly prompt: string
}

/** The exercise that a prompt is, among those whose layer is worn. */
export const recognise = (prompt: string, layers: ReadonlyArray<string>): Recognised | undefined => {
  if (prompt.length > promptBytesMax) return undefined
  const text = prompt.trim().replaceAll(/\s+/g, " ")
  if (text.length > lengthMax) return undefined
  for (const exercise of exercises) {
    if (!layers.includes(exercise.layer)) continue
    const written = exercise.promptOf(text)
    if (written !== undefined) return { exercise, prompt: written }
  }
  return undefined
}

/** The layers that have an exercise. */
export const allLayers = exercises.map(({ layer }) => layer)

/** Whether this day is in the calendar, and in the years that were learned. */
const isDate = (text: string): boolean => {
  const [year, month, day] = text.split("-").map(Number) as [number, number, number]
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  return year >= 1900 && year <= 2099 && day >= 1 && day <= (days[month - 1] ?? 0)
}
