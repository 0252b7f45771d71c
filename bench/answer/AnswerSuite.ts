/** From a prompt to its first text. */
import type { Suite } from "../Suite.ts"

export const answerSuite: Suite = {
  id: "answer",
  title: "Answers: the first text over HTTP",
  about: `Time from the request to the first text, one request after the other, the cases in turns, after 100
of each that are not counted; every prompt is another date, so nothing is
in the model's cache but the mark that every prompt begins with. *Node*: a real node in a process of its own, asked over
\`/v1/chat/completions\` with streaming, through a persona that bids, or the bare model. *Engine*: the same engine with the
same layer in this process, without node, HTTP or persona. *Plain*: that engine behind \`node:http\` in a process of its own,
which reads a body and writes the pieces, and does nothing else: the least that an answer over HTTP can be. Quoted: the node's answer from its pages, for comparison.`,
  runtimes: ["bun"],
  msMax: 120_000,
  cases: [
    { id: "persona", label: "First text of an exercise, by a persona", time: "wall", unit: "ms" },
    { id: "bare", label: "First text of the bare model", time: "wall", unit: "ms" },
    { id: "quoted", label: "First text of a quotation", time: "wall", unit: "ms" }
  ],
  peers: [
    { id: "node", label: "Continuum node, over HTTP", program: "answer/node.ts" },
    {
      id: "engine",
      label: "the engine alone",
      program: "answer/engine.ts",
      cases: ["persona", "bare"],
      against: "node"
    },
    {
      id: "plain",
      label: "the engine behind plain `node:http`",
      program: "answer/plain.ts",
      cases: ["persona", "bare"],
      against: "node"
    }
  ],
  targets: [
    {
      text: "Guard, router, persona and OpenAI's forms take at most half as long again as the engine behind plain HTTP",
      peer: "plain",
      cases: ["persona", "bare"],
      max: 1.5
    }
  ]
}
