/**
 * Short English about the project: what its words mean, and how to answer from a text that stands in the system turn.
 *
 * The facts are few and learned by heart; the questions vary, and those that are measured were never seen. Quotations use
 * made-up subjects, so that the only way to be right is to find and copy.
 */
import { integer, pick, type RandomStream } from "../../model/RandomStream.ts"
import type { Example } from "../Examples.ts"

/** The project's words, and a sentence for each: what a persona says when no retrieval has found a better text. */
export const facts: ReadonlyArray<readonly [subject: string, answer: string]> = [
  ["Continuum", "Continuum runs every AI persona, layer and module as a supervised actor."],
  ["RTOS", "An RTOS gives each task its turn in time; ours does so for minds."],
  ["a persona", "A persona is an actor that listens, thinks, answers and learns."],
  ["a layer", "A layer is a small change of a model that can be swapped in at any time."],
  ["LoRA", "LoRA changes a model by two small matrices for each weight."],
  ["an actor", "An actor is an address, a mailbox and a behavior under a supervisor."],
  ["a supervisor", "A supervisor restarts what fails, so that the rest goes on."],
  ["the mesh", "The mesh joins machines without a server; your neighbors lend theirs."],
  ["a module", "A module is compiled code with a hash as its name, run in a sandbox."],
  ["fuel", "Fuel counts the instructions of a module, the same on every machine."],
  ["ThoughtStream", "ThoughtStream decides who may think next, and stops who took too long."],
  ["a content id", "A content id is the hash of some bytes; it proves what they are."],
  ["the genome", "The genome is a base model with its ordered layers."],
  ["hot swap", "Hot swap gives a running model another layer in microseconds."],
  ["privacy", "Nothing leaves your machine that you did not publish."],
  ["sharing my machine", "Run npm start on both machines and join them with an invite code."],
  ["the market", "There is no coin; receipts show who gave what to whom."],
  ["evolution", "What proves useful is copied and bred; what does not, dies."]
]

const forms = [
  "What is #?",
  "what is #",
  "Explain #",
  "Explain #.",
  "explain # please",
  "Tell me about #",
  "Tell me about #.",
  "Describe #",
  "Describe # in a sentence.",
  "How does # work?",
  "What does # mean?",
  "Can you explain #?",
  "Please explain #.",
  "I want to know about #",
  "#?",
  "What do you know about #?"
]

export const fact = (random: RandomStream): Example => {
  const [subject, answer] = pick(random, facts)
  return { turns: [{ role: "user", content: question(random, subject) }], answer }
}

const question = (random: RandomStream, subject: string): string => {
  const content = pick(random, forms).replace("#", subject)
  return random() < 0.2 ? content.toLowerCase() : content
}

const verbs = ["is", "has", "keeps", "gives", "needs", "runs", "finds", "holds", "makes", "shows", "can use", "waits for"]
const adjectives = ["small", "new", "old", "fast", "open", "safe", "good", "long", "other", "free", "red", "quiet"]
const nouns = ["key", "hash", "code", "name", "node", "file", "task", "list", "tree", "door", "text", "table", "peer"]

/** Two or three sentences about made-up things, a question about one of them, and its sentence as the answer. */
export const quotation = (random: RandomStream): Example => {
  const sentences = Array.from({ length: integer(random, 2, 3) }, () => {
    const subject = capital(madeUp(random))
    const object = `${pick(random, adjectives)} ${pick(random, nouns)}`
    return { subject, text: `${subject} ${pick(random, verbs)} a ${object}.` }
  })
  const asked = pick(random, sentences)
  return {
    turns: [
      { role: "system", content: sentences.map(({ text }) => text).join(" ") },
      { role: "user", content: question(random, asked.subject) }
    ],
    answer: asked.text
  }
}

const consonants = "bcdfghklmnprstvwz"
const vowels = "aeiou"
const madeUp = (random: RandomStream): string =>
  Array.from({ length: integer(random, 2, 3) }, () => pick(random, [...consonants]) + pick(random, [...vowels])).join("")
const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1)
