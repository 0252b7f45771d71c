/**
 * Prompts that look like an exercise and ask for more than its layer has learned: larger numbers, longer words. The layer would
 * give a wrong answer to them, and no page a right one; so a persona says how far it can go.
 */
import { type Exercise, exercises, pattern } from "./Exercise.ts"
import { promptBytesMax } from "./Limits.ts"

const number = String.raw`[-−]?\d+(?:[.,]\d+)?`
const operator = String.raw`(?:\+|-|−|\*|×|x|\/|÷|\^|plus|minus|times|divided by|and)`
const quotes = `["'“”‘’\`]?`
const word = `${quotes}[\\p{L}\\p{N}]+${quotes}`
const what = String.raw`(?:the\s+)?(?:(?:word|text|letters(?:\s+of)?|string)\s+)?`

/** What a prompt for a layer looks like, however large; the first that fits counts. */
const shapes: ReadonlyArray<{ readonly layer: string; readonly shape: RegExp }> = [
  {
    layer: "dates",
    shape: pattern(String.raw`(?:(?:write|spell)\s+(?:out\s+)?(?:the\s+)?)?(?:date\s+)?\d{4}-\d{1,2}-\d{1,2}`)
  },
  { layer: "arithmetic", shape: pattern(String.raw`${number}(?:\s*${operator}\s*${number})+\s*=?`) },
  { layer: "reversing", shape: pattern(String.raw`rev(?:erse)?:?\s+${what}${word}`) },
  { layer: "reversing", shape: pattern(String.raw`(?:spell\s+|write\s+|say\s+)?${what}${word}\s+backwards?`) },
  { layer: "sorting", shape: pattern(String.raw`sort\s+${what}${word}(?:\s+alphabetically)?`) },
  { layer: "brackets", shape: pattern(String.raw`(?:(?:close|complete|balance|match)\s+)?(?:[([{<]\s?)+`) }
]

/** Characters of the longest prompt that is looked at: a long sum. Chosen, not measured. */
const lengthMax = 200

/** The exercise that a prompt asks too much of, if a worn layer has learned it. For prompts that are none themselves. */
export const of = (prompt: string, layers: ReadonlyArray<string>): Exercise | undefined => {
  if (prompt.length > promptBytesMax) return undefined
  const text = prompt.trim().replaceAll(/\s+/g, " ")
  if (text.length > lengthMax) return undefined
  const found = shapes.find(({ layer, shape }) => layers.includes(layer) && shape.test(text))
  return exercises.find(({ layer }) => layer === found?.layer)
}
