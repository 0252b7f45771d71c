/**
 * Short English about the project: what its words mean.
 *
 * The facts are few and learned by heart; the questions vary, and those that are measured were never seen. A model of this
 * size does not learn to answer from a text in its prompt (see docs/LIMITS.md).
 */
import { pick, type RandomStream } from "../../model/RandomStream.ts"
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
