/**
 * Questions to personas, and what they are made of.
 */
import { NodeAnswerMalformed } from "@continuum/core/NodeClientError"
import type { LayerSummary } from "@continuum/genome/rpc"
import type { AiDone, PersonaSummary } from "@continuum/persona/rpc"
import { Effect, Option, Stream } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { Json } from "../GlobalFlags.ts"
import * as MeshFlag from "../MeshFlag.ts"
import * as NodeConnection from "../NodeConnection.ts"
import * as Output from "../Output.ts"
import { program } from "../Program.ts"
import * as Render from "../Render.ts"

const optional = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.optional, Flag.withDescription(description))

const generate = Command.make(
  "ai/generate",
  {
    prompt: Flag.String("prompt").pipe(Flag.withMetavar("P"), Flag.withDescription("The question")),
    persona: optional("persona", "NAME", 'Who shall answer, such as "Teacher AI" (default: the helper)'),
    mesh: MeshFlag.make("Whose persona"),
    conversation: optional("conversation", "ID", "The persona remembers what is said under this name"),
    layers: optional("layers", "NAMES", 'Answer by the model with exactly these, such as reversing,dates; "" is none'),
    temperature: Flag.Finite("temperature").pipe(
      Flag.withMetavar("T"),
      Flag.filter(
        (temperature) => temperature >= 0 && temperature <= 2,
        () => "a number from 0 to 2"
      ),
      Flag.optional,
      Flag.withDescription("How varied the model answers, 0 to 2 (default: 0, always the most likely)")
    ),
    seed: Flag.Int("seed").pipe(
      Flag.withMetavar("N"),
      Flag.optional,
      Flag.withDescription("Makes a varied answer repeatable")
    ),
    tokens: Flag.Int("tokens").pipe(
      Flag.withMetavar("N"),
      Flag.filter(
        (tokens) => tokens > 0,
        () => "a number above 0"
      ),
      Flag.optional,
      Flag.withDescription("How long the answer may become")
    ),
    priority: Flag.Int("priority").pipe(
      Flag.withMetavar("N"),
      Flag.filter(
        (priority) => priority >= 0 && priority <= 255,
        () => "a number from 0 to 255"
      ),
      Flag.optional,
      Flag.withDescription("Served before lower ones that wait, 0 to 255 (default: as the persona has it, 128)")
    )
  },
  ({ conversation, layers, mesh, persona, priority, prompt, seed, temperature, tokens }) =>
    Effect.gen(function* () {
      const json = yield* Json
      const { isTerminal, write } = yield* Output.Output
      const sampling = present({ temperature, seed })
      const request = {
        prompt,
        ...MeshFlag.payload(mesh),
        ...present({ persona, conversation, priority, tokensMax: tokens, layers: Option.map(layers, namesOf) }),
        ...(Object.keys(sampling).length === 0 ? {} : { sampling })
      }
      const answer = yield* NodeConnection.use((node, { url }) => {
        let text = ""
        let done: AiDone | undefined
        return node["ai.generate"](request).pipe(
          Stream.runForEach((chunk) => {
            if (chunk._tag === "Done") return Effect.sync(() => void (done = chunk))
            text += chunk.text
            return json ? Effect.void : write(Render.printable(chunk.text))
          }),
          Effect.flatMap(() =>
            done === undefined
              ? Effect.fail(new NodeAnswerMalformed({ url, reason: "its answer ended without saying how" }))
              : Effect.succeed({ text, done })
          ),
          // What was said stands on a line of its own, also when an error follows.
          Effect.tapCause(() => (text === "" || json ? Effect.void : Effect.ignore(write("\n"))))
        )
      })
      const { _tag, ...done } = answer.done
      if (json) return yield* write(Output.jsonLine({ text: answer.text, ...done }))
      yield* write("\n")
      yield* Output.detail((style) =>
        style.dim(`${isTerminal ? "\n" : ""}${traceText(answer.done, Option.isSome(mesh))}`)
      )
    })
).pipe(
  Command.withDescription("Ask a persona. The answer streams; with --json it is one document, with its trace"),
  Command.withExamples([{ command: `${program} ai/generate --prompt "Explain RTOS" --persona "Teacher AI"` }])
)

/** The values that were given. */
const present = <Fields extends Record<string, Option.Option<unknown>>>(fields: Fields) =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (Option.isSome(value) ? [[name, value.value]] : []))
  ) as { [Name in keyof Fields]?: Fields[Name] extends Option.Option<infer Value> ? Value : never }

const namesOf = (list: string): ReadonlyArray<string> =>
  list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")

/** From what the answer came, and how sure it is, which for a quotation is only how much of the question it has. Where nobody knew, there is nothing to be sure of. */
const originOf = ({ bids, layers, sources, worker }: AiDone["trace"]): ReadonlyArray<string> => {
  if (worker === "introduction") return ["by itself"]
  if (worker === "retrieval" && sources.length === 0) return ["nothing found in the pages"]
  const names = layers.length === 0 ? "no layer" : layers.map(({ name }) => Render.printable(name)).join(", ")
  const percent = `${Math.round((bids[0]?.confidence ?? 0) * 100)} %`
  return worker === "model"
    ? [`model with ${names}`, `confidence ${percent}`]
    : ["quoted from the pages", `has ${percent} of the question's words`]
}

/** Of another node the key as well: names are not unique. */
const traceText = ({ node, nodeKey, persona, trace }: AiDone, isElsewhere: boolean): string =>
  [
    Render.printable(persona),
    `on ${Render.printable(isElsewhere ? `${node} (${nodeKey})` : node)}`,
    ...originOf(trace),
    `${Render.count(trace.tokens)} tokens`,
    `first after ${Render.milliseconds(trace.ttftMs)}`,
    `all after ${Render.milliseconds(trace.ms)}`
  ].join("  ")

const personas = Command.make("personas/list", { mesh: MeshFlag.make("Whose personas") }, ({ mesh }) =>
  Effect.gen(function* () {
    const list = yield* NodeConnection.useQuick((node) => node["personas.list"](MeshFlag.payload(mesh)))
    yield* Output.result(list, (style) =>
      Render.table<PersonaSummary>(
        style,
        list,
        [
          { head: "NAME", cell: ({ name }) => name },
          { head: "ID", cell: ({ id }) => id },
          { head: "ROLE", cell: ({ role }) => role },
          { head: "BASE", cell: ({ base }) => base },
          { head: "LAYERS", cell: ({ layers }) => layers.join(", ") || "-" },
          { head: "PRIORITY", cell: ({ priority }) => Render.count(priority), align: "right" },
          { head: "CONVERSATIONS", cell: ({ conversations }) => Render.count(conversations), align: "right" },
          { head: "STATE", cell: ({ state }) => state }
        ],
        "No personas"
      )
    )
  })
).pipe(Command.withDescription("The personas of the node, or of a peer, and what they wear"))

const layers = Command.make("layers/list", {}, () =>
  Effect.gen(function* () {
    const list = yield* NodeConnection.useQuick((node) => node["layers.list"]())
    yield* Output.result(list, (style) =>
      Render.table<LayerSummary>(
        style,
        list,
        [
          { head: "NAME", cell: ({ name }) => name },
          { head: "VERSION", cell: ({ version }) => version },
          { head: "KIND", cell: ({ kind }) => kind },
          { head: "BASE", cell: ({ base }) => base },
          { head: "RANK", cell: ({ rank }) => Render.count(rank), align: "right" },
          { head: "STATE", cell: ({ state }) => state },
          { head: "USES", cell: ({ uses }) => Render.count(uses), align: "right" },
          {
            head: "SUCCESS",
            cell: ({ successRate }) => (successRate === null ? "-" : `${Math.round(successRate * 100)} %`),
            align: "right"
          },
          { head: "CONTENT ID", cell: ({ contentId }) => contentId }
        ],
        "No layers"
      )
    )
  })
).pipe(Command.withDescription("The layers of the node, and what they do"))

export const commands = [generate, personas, layers] as const
