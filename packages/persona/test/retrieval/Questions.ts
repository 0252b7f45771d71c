/**
 * Questions as people ask them, and the page and heading that answer each. The set is fixed: a change of the ranking is
 * measured on it, and not the other way round.
 */
export interface Question {
  readonly ask: string
  readonly source: string
  readonly heading: string
}

const guide = (ask: string, heading: string): Question => ({ ask, source: "docs/GUIDE.md", heading })
const glossary = (ask: string, heading: string): Question => ({ ask, source: "docs/GLOSSARY.md", heading })

export const questions: ReadonlyArray<Question> = [
  guide("how do I share my machine?", "How do I share my machine with another one?"),
  guide("Can my friend's laptop join mine?", "How do I share my machine with another one?"),
  guide("how do I back up?", "How do I back up my node?"),
  guide("I want to make a backup of everything", "How do I back up my node?"),
  guide("how can I stop the node", "How do I stop the node?"),
  guide("Where do I find the API key?", "Where is my API key?"),
  guide("where is my data stored", "Where is my data?"),
  guide("How do I use it with the openai client?", "How do I use it from an OpenAI client?"),
  guide("run a function", "How do I run a function?"),
  guide("something is wrong, what now?", "How do I find out what is wrong?"),
  guide("an actor has stopped, how do I restart it", "How do I restart an actor that stopped?"),
  guide("change the port", "How do I change the port or the address?"),
  guide("does this work offline, without internet?", "Does it work without the internet?"),
  guide("How do I swap layers?", "How do I swap the layers of a persona?"),
  guide("what can the tiny model do", "What can the tiny model do?"),
  guide("how much does it cost?", "What does it cost, and who owns it?"),
  guide("how to write my own actor", "How do I write an actor of my own?"),
  glossary("Explain RTOS", "RTOS"),
  glossary("what is a real-time operating system?", "RTOS"),
  glossary("what is fuel?", "Fuel"),
  glossary("What does LoRA mean?", "LoRA"),
  glossary("explain webassembly to me", "WebAssembly (WASM)"),
  glossary("What is WASM?", "WebAssembly (WASM)"),
  glossary("what is an actor", "Actor"),
  glossary("Tell me about supervision", "Supervision"),
  glossary("what is scheduling?", "Scheduling"),
  glossary("Why does starvation happen?", "Starvation"),
  glossary("what is priority inversion", "Priority inversion"),
  glossary("What is a content id?", "Content id"),
  glossary("how does hole punching work?", "Hole punching"),
  glossary("what is the KV cache for", "KV cache"),
  glossary("explain backpressure", "Backpressure"),
  glossary("What is a token?", "Token"),
  glossary("what is a persona?", "Persona"),
  glossary("explain preemption", "Preemption"),
  glossary("what's a dead letter?", "Dead letter")
]

/** Nothing in the pages answers these; a persona must say so. */
export const unanswerable: ReadonlyArray<string> = [
  "What is the capital of France?",
  "How do I cook spaghetti carbonara?",
  "Who won the football world cup in 1998?",
  "Explain plate tectonics",
  "translate good morning to Japanese",
  "What is the weather like tomorrow?"
]
