/**
 * Modules that the node keeps: the list, and a copy of one.
 */
import * as ContentId from "@continuum/core/ContentId"
import { NodeAnswerMalformed } from "@continuum/core/NodeClientError"
import type { ModuleSummary } from "@continuum/runtime-wasm/rpc"
import { Effect, Option } from "effect"
import * as Base64 from "effect/encoding/Base64"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { BinaryToTerminal } from "../CliError.ts"
import * as FileOutput from "../FileOutput.ts"
import { Json } from "../GlobalFlags.ts"
import * as NodeConnection from "../NodeConnection.ts"
import * as Output from "../Output.ts"
import { program } from "../Program.ts"
import * as Render from "../Render.ts"

const list = Command.make("modules/list", {}, () =>
  Effect.gen(function* () {
    const modules = yield* NodeConnection.useQuick((node) => node["modules.list"]())
    yield* Output.result(modules, (style) =>
      Render.table<ModuleSummary>(
        style,
        modules,
        [
          { head: "NAME", cell: ({ name }) => name || "-" },
          { head: "VERSION", cell: ({ version }) => version || "-" },
          { head: "LANG", cell: ({ lang }) => lang },
          { head: "SIZE", cell: ({ bytes }) => Render.bytes(bytes), align: "right" },
          { head: "USES", cell: ({ uses }) => Render.count(uses), align: "right" },
          { head: "FUEL/USE", cell: ({ fuelMean }) => Render.count(Math.round(fuelMean)), align: "right" },
          { head: "FAILURES", cell: ({ failures }) => Render.count(failures), align: "right" },
          { head: "UTILITY", cell: ({ utility }) => Render.count(utility), align: "right" },
          { head: "SEEDS", cell: ({ seeds }) => Render.count(seeds), align: "right" },
          { head: "STATE", cell: ({ state }) => state },
          { head: "CONTENT ID", cell: ({ contentId }) => contentId }
        ],
        "No modules yet. Make one: jit/compile --lang js --source '(input) => input * 2' --sample 21"
      )
    )
  })
).pipe(Command.withDescription("The modules that the node keeps, and how useful each has been"))

const command = "modules/export"
const exportOne = Command.make(
  command,
  {
    id: Argument.String("ID").pipe(Argument.withDescription("The content id of the module")),
    out: Flag.String("out").pipe(
      Flag.withMetavar("FILE"),
      Flag.optional,
      Flag.withDescription("Where to write it (default: stdout, when that is no terminal)")
    )
  },
  ({ id, out }) =>
    Effect.gen(function* () {
      const contentId = yield* ContentId.parse(id)
      if (Option.isSome(out)) yield* FileOutput.checkName(command, "--out", out.value)
      const json = yield* Json
      const { isTerminal, write } = yield* Output.Output
      if (Option.isNone(out) && isTerminal && !json) return yield* new BinaryToTerminal({ contentId })

      const bytes = yield* NodeConnection.use((node, { url }) =>
        Effect.filterOrFail(
          node["modules.export"]({ contentId }),
          (bytes) => ContentId.verify(contentId, bytes),
          () => new NodeAnswerMalformed({ url, reason: `the bytes that it sent for ${contentId} have another id` })
        )
      )
      if (Option.isSome(out)) {
        yield* FileOutput.write(command, "--out", out.value, bytes)
        const text = `${Render.printable(out.value)}: ${Render.bytes(bytes.length)}`
        yield* Output.result({ contentId, bytes: bytes.length, out: out.value }, () => text)
      } else if (json) {
        yield* write(Output.jsonLine({ contentId, bytes: bytes.length, base64: Base64.encode(bytes) }))
      } else {
        yield* write(bytes)
      }
    })
).pipe(
  Command.withDescription("Copy a module out of the node, as WebAssembly. With --json and no --out: in base64"),
  Command.withExamples([{ command: `${program} ${command} ID --out double.wasm` }])
)

export const commands = [list, exportOne] as const
