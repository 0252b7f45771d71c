/**
 * What a persona says of itself: to a greeting, to "what can you do?", and to an exercise that is beyond its layers. No page and no
 * model is asked, so it is right about itself, and quick.
 */
import type { Backend } from "@continuum/genome/backend/Backend"
import { Effect } from "effect"
import * as BeyondExercise from "./BeyondExercise.ts"
import * as Exercise from "./Exercise.ts"
import { promptBytesMax } from "./Limits.ts"
import * as Recital from "./Recital.ts"
import type { Template } from "./Templates.ts"
import type { Offer, Perception, Worker } from "./Worker.ts"

export const make = (backend: Backend["Service"]): Worker => ({
  name: "introduction",
  offer: (perception) => Effect.sync(() => offer(backend, perception))
})

const offer = (backend: Backend["Service"], perception: Perception): Offer => {
  const { introduction } = perception
  return {
    bid: {
      worker: "introduction",
      confidence: introduction === undefined ? 0 : 1,
      reason: introduction?.reason ?? "a question about something else"
    },
    layers: [],
    sources: [],
    answer: Recital.of(backend, perception, Effect.succeed(introduction?.text ?? ""))
  }
}

/** What is said instead of a question, in the words of the whole prompt. A few languages: who is greeted should greet. */
const remarks = {
  greeting:
    /^(?:hello|hi|hey|hiya|howdy|yo|greetings|good (?:morning|day|afternoon|evening)|hallo|guten (?:tag|morgen|abend)|moin|servus|bonjour|salut|hola|ciao)(?: there| again| everyone| you| ai)*$/,
  thanks:
    /^(?:ok |okay |great |perfect |hi |hello )*(?:thanks|thank you|thx|cheers|danke|merci|gracias)(?: a lot| so much| very much| again)?$/,
  farewell: /^(?:bye|bye bye|goodbye|good bye|good night|see you|see you later|tschüss|au revoir|adios)$/,
  question:
    /^(?:so |and |hey |hi |hello |hallo |please )*(?:(?:who|what) (?:are you|is your name|is this|can you do|can i ask|can i ask you|do you do|do you know|are you able to do|are you good at|should i ask|else can you do)|(?:whats|what s) your name|whats this|introduce yourself|tell me about yourself|tell me who you are|who am i talking to|what am i talking to|help|help me|help please|how can you help(?: me)?|can you help(?: me)?|how are you(?: today)?|are you (?:an ai|a bot|human|real|there)|test|testing|wer bist du|was kannst du)$/
} as const
type Remark = keyof typeof remarks

/** Characters of the longest one. */
const lengthMax = 60

/** What somebody said, if it is no question about anything else. `names`: how he may call the persona. */
const remarkOf = (prompt: string, { name }: Template): Remark | undefined => {
  if (prompt.length > promptBytesMax) return undefined
  const words = prompt
    .toLowerCase()
    .replaceAll(/['’]/g, "")
    .replaceAll(/[^\p{L}\p{N}]+/gu, " ")
    .trim()
  if (words.length > lengthMax) return undefined
  const own = name.toLowerCase()
  const plain = words.replace(new RegExp(` (?:${own}|${own.replace(/ ai$/, "")})$`), "")
  return (Object.keys(remarks) as Array<Remark>).find((remark) => remarks[remark].test(plain))
}

/** What to say, and why. */
export interface Introduction {
  readonly reason: string
  readonly text: string
}

/** What a persona with these layers says of itself to a prompt that is no exercise; undefined for any other question. */
export const of = (persona: Template, prompt: string, layers: ReadonlyArray<string>): Introduction | undefined => {
  const remark = remarkOf(prompt, persona)
  if (remark !== undefined) return { reason: remark, text: sayings[remark](persona, layers) }
  const missing = Exercise.recognise(prompt, persona.layers)?.exercise.layer
  if (missing !== undefined) {
    return {
      reason: `without the layer ${missing}`,
      text:
        `That is for the layer "${missing}", which I do not wear now, or which does not fit the model of this node. ` +
        "See personas/list, layers/list and doctor"
    }
  }
  const beyond = BeyondExercise.of(prompt, layers)
  if (beyond === undefined) return undefined
  return {
    reason: `beyond what ${beyond.layer} has learned`,
    text: `That is more than I have learned, which is ${beyond.learned}: ${beyond.example}`
  }
}

const sayings: Readonly<Record<Remark, (persona: Template, layers: ReadonlyArray<string>) => string>> = {
  greeting: (persona, layers) => `Hello! ${about(persona, layers)}`,
  thanks: () => "You are welcome.",
  farewell: () => "Goodbye.",
  question: (persona, layers) => about(persona, layers)
}

const about = ({ name, role }: Template, layers: ReadonlyArray<string>): string => {
  const examples = Exercise.exercises.filter(({ layer }) => layers.includes(layer)).map(({ example }) => example)
  const exercises = examples.length === 0 ? "" : `\n\nI can do small exercises, too: ${examples.join(", ")}`
  return (
    `I am ${name}, a persona that ${role[0]!.toLowerCase()}${role.slice(1)}. ` +
    `Ask me "how do I share my machine?" or "Explain RTOS": I quote the pages of this project, and say so when they do not know.` +
    exercises
  )
}
