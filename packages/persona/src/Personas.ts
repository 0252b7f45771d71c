/**
 * The personas of a node: which there are, and their answers.
 *
 * The templates are there from the first start. Each is an actor with a durable memory; the service finds it by its name
 * or by the id that programs write, and runs its thinking.
 */
import type { ActorError } from "@continuum/actors/ActorError"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as Address from "@continuum/core/Address"
import { Backend, type Turn } from "@continuum/genome/backend/Backend"
import { Context, Effect, Layer, Stream } from "effect"
import * as Cognition from "./Cognition.ts"
import * as Elsewhere from "./Elsewhere.ts"
import type { CognitiveEvent } from "./Event.ts"
import * as Introduction from "./Introduction.ts"
import * as Floor from "./Floor.ts"
import * as ModelWorker from "./ModelWorker.ts"
import type { KnownLayer } from "./NamedLayer.ts"
import * as Persona from "./Persona.ts"
import { ConversationElsewhere, PersonaUnknown } from "./PersonaError.ts"
import * as PersonasActor from "./PersonasActor.ts"
import { Library } from "./retrieval/Library.ts"
import * as Retrieval from "./retrieval/Retrieval.ts"
import type { AiChunk, PersonaSummary } from "./rpc.ts"
import * as Templates from "./Templates.ts"

export interface Options {
  /** The layers that the node has. */
  readonly layers: Effect.Effect<ReadonlyArray<KnownLayer>>
}

export class Personas extends Context.Service<
  Personas,
  {
    /**
     * Does what the first question would wait for otherwise: reads the pages, looks which layers there are, and wakes the personas.
     * In pieces, beside all else; a question that comes meanwhile waits for the rest.
     */
    readonly prepare: Effect.Effect<void>
    /** Names in full. */
    readonly names: ReadonlyArray<string>
    readonly list: Effect.Effect<ReadonlyArray<PersonaSummary>, ActorError>
    /** The persona's name in full, of its name or id. */
    readonly find: (name: string) => Effect.Effect<string, PersonaUnknown>
    /** What a persona of this name or id answers to an event. The work ends when the stream is interrupted. */
    readonly process: (
      name: string,
      event: CognitiveEvent
    ) => Stream.Stream<Cognition.StateChange, Cognition.ProcessError>
    /**
     * A turn of a conversation that the persona of this name or id remembers, and that a persona elsewhere answers. Fails with
     * `ConversationElsewhere` when there is no such persona here.
     */
    readonly remember: <E>(
      name: string,
      conversation: string,
      prompt: string,
      answer: (history: ReadonlyArray<Turn>) => Stream.Stream<AiChunk, E>
    ) => Stream.Stream<AiChunk, E | Cognition.ProcessError | ConversationElsewhere>
    /** The personas of other nodes. */
    readonly elsewhere: Elsewhere.Elsewhere
  }
>()("@continuum/persona/Personas") {}

export const layer = (options: Options): Layer.Layer<Personas, never, ActorSystem | Backend | Library> =>
  Layer.effect(
    Personas,
    Effect.gen(function* () {
      const system = yield* ActorSystem
      const backend = yield* Backend
      // Of equal bids the first wins: where nobody knows, retrieval says so and the model does not babble.
      const library = yield* Library
      const workers = [Retrieval.make(library, backend), ModelWorker.make(backend), Introduction.make(backend)]
      const floor = yield* Floor.make
      const definition = yield* system.register(Persona.make(Effect.map(options.layers, fitting)))
      const list = Effect.gen(function* () {
        const actors = yield* system.list(Persona.kind)
        const { base } = yield* backend.capabilities
        return yield* Effect.forEach(Templates.templates, ({ name }) =>
          Effect.map(system.ref(definition, name).profile({}), (profile): PersonaSummary => {
            const address = Address.format(Address.make(Persona.kind, name))
            const state = actors.find((one) => one.address === address)?.state ?? "idle"
            return { ...profile, id: Templates.idOf(name), address, base, state }
          })
        )
      })

      const here: Omit<Personas["Service"], "elsewhere"> = {
        prepare: Effect.andThen(library.index, Effect.ignore(Effect.andThen(options.layers, list))),
        names: Templates.templates.map(({ name }) => name),
        list,
        find: (name) =>
          Effect.suspend(() => {
            const found = Templates.find(name)
            return found === undefined ? Effect.fail(unknown(name)) : Effect.succeed(found.name)
          }),
        process: (name, event) => {
          const template = Templates.find(name)
          if (template === undefined) return Stream.fail(unknown(name))
          const actor = system.ref(definition, template.name)
          return Cognition.process({ template, actor, layers: options.layers, workers, floor }, event)
        },
        remember: (name, conversation, prompt, answer) => {
          const found = Templates.find(name)
          return found === undefined
            ? Stream.fail(new ConversationElsewhere({ conversation }))
            : Cognition.remember(system.ref(definition, found.name), conversation, prompt, answer)
        }
      }
      const door = yield* system.register(PersonasActor.make(here))
      return { ...here, elsewhere: yield* Elsewhere.make(door) }
    })
  )

const fitting = (layers: ReadonlyArray<KnownLayer>) => layers.filter(({ otherBase }) => otherBase === undefined)

const unknown = (name: string) =>
  new PersonaUnknown({ name: name.slice(0, shownMax), nearest: Templates.nearest(name) })

/** Characters of an unknown name that its error repeats. */
const shownMax = 100
