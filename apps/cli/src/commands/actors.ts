/**
 * Actors: which there are, what is in them, and a message to one.
 */
import type { ActorSummary, DeadLetter } from "@continuum/actors/rpc"
import * as Address from "@continuum/core/Address"
import { Effect, Option, Stream } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as ActorText from "../ActorText.ts"
import { UsageWrong } from "../CliError.ts"
import { Json } from "../GlobalFlags.ts"
import * as MeshFlag from "../MeshFlag.ts"
import * as JsonInput from "../JsonInput.ts"
import * as NodeConnection from "../NodeConnection.ts"
import * as Output from "../Output.ts"
import { program } from "../Program.ts"
import * as Render from "../Render.ts"

const address = Argument.String("ADDRESS").pipe(Argument.withDescription("Such as continuum://local/counter/cart-42"))

const list = Command.make(
  "actors/list",
  {
    kind: Flag.String("kind").pipe(
      Flag.withMetavar("K"),
      Flag.optional,
      Flag.withDescription("Only actors of this kind, such as module, service or one of your own")
    ),
    mesh: MeshFlag.make("Whose actors")
  },
  ({ kind, mesh }) =>
    Effect.gen(function* () {
      const payload = { ...MeshFlag.payload(mesh), ...(Option.isSome(kind) ? { kind: kind.value } : {}) }
      const actors = yield* NodeConnection.useQuick((node) => node["actors.list"](payload))
      yield* Output.result(actors, (style) =>
        Render.table<ActorSummary>(
          style,
          actors,
          [
            { head: "ADDRESS", cell: ({ address }) => address },
            { head: "STATE", cell: ({ state }) => state, paint: ActorText.statePaint(style) },
            { head: "MAILBOX", cell: ({ mailbox }) => Render.count(mailbox), align: "right" },
            { head: "PROCESSED", cell: ({ processed }) => Render.count(processed), align: "right" },
            { head: "RESTARTS", cell: ({ restarts }) => Render.count(restarts), align: "right" },
            { head: "PRIORITY", cell: ({ priority }) => Render.count(priority), align: "right" },
            { head: "NODE", cell: ({ node }) => node }
          ],
          Option.match(kind, {
            onNone: () => "No actors yet. One comes to life with its first message: actors/ask ADDRESS MESSAGE JSON",
            onSome: (kind) => `No actors of kind "${kind}". All kinds: actors/list`
          })
        )
      )
    })
).pipe(Command.withDescription("The actors of the node"))

const inspect = Command.make(
  "actors/inspect",
  {
    address,
    timeline: Flag.Boolean("timeline").pipe(
      Flag.withoutNegation,
      Flag.withDefault(false),
      Flag.withDescription("Also what happened to it lately")
    )
  },
  ({ address, timeline }) =>
    Effect.gen(function* () {
      yield* Address.parse(address)
      const actor = yield* NodeConnection.useQuick((node) => node["actors.inspect"]({ address }))
      yield* Output.result(actor, (style) => {
        const detail = ActorText.detail(style, actor)
        return timeline ? `${detail}\n\n${ActorText.timeline(style, actor.timeline)}` : detail
      })
    })
).pipe(Command.withDescription("All about one actor: its state, what waits in its mailbox, its last failures"))

const ask = Command.make(
  "actors/ask",
  {
    address,
    message: Argument.String("MESSAGE").pipe(Argument.withDescription("One of the messages that actors/inspect lists")),
    payload: Argument.String("JSON").pipe(
      Argument.optional,
      Argument.withDescription("The payload; null when left out")
    )
  },
  ({ address, message, payload }) =>
    Effect.gen(function* () {
      yield* Address.parse(address)
      const data = yield* Option.match(payload, {
        onNone: () => Effect.succeed(null),
        onSome: (text) => JsonInput.parse("The payload", text)
      })
      const reply = yield* NodeConnection.use((node) =>
        node["actors.ask"]({ address, messageName: message, payload: data })
      ).pipe(Output.whileBusy("waiting for the reply..."))
      yield* Output.result({ reply, address, message }, () => Render.value(reply))
    })
).pipe(
  Command.withDescription("Send a message to an actor and print its reply"),
  Command.withExamples([{ command: `${program} actors/ask continuum://local/counter/cart-42 add 1` }])
)

const restart = Command.make("actors/restart", { address }, ({ address }) =>
  Effect.gen(function* () {
    yield* Address.parse(address)
    const actor = yield* NodeConnection.useQuick((node) => node["actors.restart"]({ address }))
    yield* Output.result(
      actor,
      () => `${Render.printable(actor.address)} is ${actor.state} again (restarts: ${Render.count(actor.restarts)})`
    )
  })
).pipe(Command.withDescription("Start an actor afresh from its stored state"))

const stop = Command.make("actors/stop", { address }, ({ address }) =>
  Effect.gen(function* () {
    yield* Address.parse(address)
    const actor = yield* NodeConnection.use((node) => node["actors.stop"]({ address })).pipe(
      Output.whileBusy("stopping it...")
    )
    yield* Output.result(
      actor,
      () => `${Render.printable(actor.address)} is ${actor.state}. It starts again with: actors/restart`
    )
  })
).pipe(Command.withDescription("Stop an actor in order; its stored state stays"))

const forget = Command.make(
  "actors/forget",
  {
    address,
    yes: Flag.Boolean("yes").pipe(
      Flag.withoutNegation,
      Flag.withDefault(false),
      Flag.withDescription("Delete it: nothing brings it back but a backup")
    )
  },
  ({ address, yes }) =>
    Effect.gen(function* () {
      yield* Address.parse(address)
      if (!yes) {
        const reason = `This deletes all that is stored of ${address}, for good. If you mean it, add --yes`
        return yield* new UsageWrong({ reason, command: "actors/forget" })
      }
      const forgotten = yield* NodeConnection.use((node) => node["actors.forget"]({ address }))
      yield* Output.result(
        forgotten,
        () => `${Render.printable(address)} is forgotten; its next message finds the initial state`
      )
    })
).pipe(
  Command.withDescription("Stop an actor and delete its stored state"),
  Command.withExamples([{ command: `${program} actors/forget continuum://local/counter/cart-42 --yes` }])
)

const watch = Command.make("actors/watch", { address }, ({ address }) =>
  Effect.gen(function* () {
    yield* Address.parse(address)
    const { style, write } = yield* Output.Output
    const json = yield* Json
    yield* NodeConnection.use((node) =>
      Stream.runForEach(node["actors.watch"]({ address }), (event) =>
        write(json ? Output.jsonLine(event) : `${ActorText.watched(style, event)}\n`)
      )
    )
  })
).pipe(Command.withDescription("What happens to an actor, until Ctrl-C. With --json: one JSON document for each line"))

const migrate = Command.make(
  "actors/migrate",
  {
    address,
    to: Flag.String("to").pipe(
      Flag.withMetavar("NODE"),
      Flag.withDescription("A peer, by name or public key, or local to bring it home")
    )
  },
  ({ address, to }) =>
    Effect.gen(function* () {
      yield* Address.parse(address)
      const actor = yield* NodeConnection.use((node) => node["actors.migrate"]({ address, to })).pipe(
        Output.whileBusy("moving it...")
      )
      yield* Output.result(actor, () => `${Render.printable(actor.address)} runs on ${Render.printable(actor.node)}`)
    })
).pipe(
  Command.withDescription("Have a durable actor run on another node; its state stays here"),
  Command.withExamples([{ command: `${program} actors/migrate continuum://local/counter/cart-42 --to bee` }])
)

const backup = Command.make(
  "actors/backup",
  {
    folder: Argument.String("FOLDER").pipe(
      Argument.optional,
      Argument.withDescription("An absolute path on the node's machine; by default backups in its home")
    )
  },
  ({ folder }) =>
    Effect.gen(function* () {
      const made = yield* NodeConnection.use((node) =>
        node["actors.backup"](Option.isSome(folder) ? { folder: folder.value } : {})
      ).pipe(Output.whileBusy("copying..."))
      yield* Output.result(
        made,
        () => `${Render.printable(made.path)} holds all stored states (${Render.bytes(made.bytes)})`
      )
    })
).pipe(Command.withDescription("Copy the stored states of all actors to a file, while they run"))

const compact = Command.make("actors/compact", {}, () =>
  Effect.gen(function* () {
    const done = yield* NodeConnection.use((node) => node["actors.compact"]({})).pipe(Output.whileBusy("compacting..."))
    yield* Output.result(
      done,
      () => `The stored states take ${Render.bytes(done.bytesAfter)} now, before ${Render.bytes(done.bytesBefore)}`
    )
  })
).pipe(Command.withDescription("Write the file of stored states anew without what is unused in it"))

const deadletters = Command.make("actors/deadletters", { mesh: MeshFlag.make("Whose dead letters") }, ({ mesh }) =>
  Effect.gen(function* () {
    const letters = yield* NodeConnection.useQuick((node) => node["actors.deadletters"](MeshFlag.payload(mesh)))
    yield* Output.result(letters, (style) =>
      Render.table<DeadLetter>(
        style,
        letters,
        [
          { head: "TIME", cell: ({ time }) => time },
          { head: "ADDRESS", cell: ({ address }) => address },
          { head: "MESSAGE", cell: ({ messageName }) => messageName },
          { head: "REASON", cell: ({ reason }) => reason }
        ],
        "No dead letters: every message found its actor"
      )
    )
  })
).pipe(Command.withDescription("Messages that no actor took, and why"))

export const commands = [
  list,
  inspect,
  watch,
  ask,
  restart,
  stop,
  forget,
  migrate,
  backup,
  compact,
  deadletters
] as const
