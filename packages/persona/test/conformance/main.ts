/**
 * What personas must do alike on Bun, Deno and Node: find the same passages, read prompts as the same exercises, and
 * remember a conversation.
 */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as ContentId from "@continuum/core/ContentId"
import * as Exercise from "@continuum/persona/Exercise"
import * as Persona from "@continuum/persona/Persona"
import * as Bm25 from "@continuum/persona/retrieval/Bm25"
import { passages } from "@continuum/persona/retrieval/Page"
import * as Query from "@continuum/persona/retrieval/Query"
import * as Terms from "@continuum/persona/retrieval/Terms"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { check, report } from "../../../core/test/Conformance.ts"
import { questions } from "../retrieval/Questions.ts"

// Run from the root of the repository; on Node this file is bundled elsewhere.
const read = (source: string) => passages({ source, text: readFileSync(source, "utf8") })
const index = Bm25.make(["docs/GUIDE.md", "docs/GLOSSARY.md"].flatMap(read))

for (const { ask, heading } of questions.filter(({ source }) => source === "docs/GLOSSARY.md")) {
  await check(
    `finds the entry for: ${ask}`,
    () => index.search(Query.of(Terms.of(ask), index.terms), 1)[0]?.passage.heading === heading
  )
}

await check("reads prompts as the same exercises", () => {
  const layers = Exercise.exercises.map(({ layer }) => layer)
  const prompts = ["What is 12 − 7?", "spell “hello” backwards", "([{", "2024-02-29 in words", "Explain RTOS"]
  const written = prompts.map((prompt) => Exercise.recognise(prompt, layers)?.prompt)
  return (
    JSON.stringify(written) === JSON.stringify(["12-7=", "reverse hello", "close ([{", "date 2024-02-29", undefined])
  )
})

await check("remembers a conversation in its actor", () =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const layers = [{ name: "sorting", contentId: ContentId.of("sorting") }]
    const definition = yield* system.register(Persona.make(Effect.succeed(layers)))
    const teacher = system.ref(definition, "Teacher AI")
    const { turn } = yield* teacher.begin({ conversation: "a" })
    yield* teacher.commit({ conversation: "a", turn, question: "q", answer: "a" })
    yield* teacher.wear(["sorting"])
    const turns = yield* teacher.recall({ conversation: "a" })
    const { answered, layers: worn } = yield* teacher.profile({})
    return turns.length === 2 && answered === 1 && worn.join() === "sorting"
  }).pipe(Effect.provide(ActorSystem.layerWithoutStorage()), Effect.runPromise)
)

report()
