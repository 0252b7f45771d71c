import { NodeClientError } from "@continuum/core/NodeClientError"
import { assert, describe, it } from "@effect/vitest"
import { NonShowHelpErrors } from "effect/cli/CliError"
import * as RpcSchema from "effect/rpc/RpcSchema"
import { CliError } from "../src/CliError.ts"
import * as ExitCode from "../src/ExitCode.ts"
import { nodeCalls } from "../src/NodeCalls.ts"

/** The tags that a schema of errors can produce, through its unions. */
const tagsOf = (schema: any): ReadonlyArray<string> => {
  if (Array.isArray(schema.members)) return schema.members.flatMap(tagsOf)
  const tag = schema.fields?._tag?.schema?.literal ?? schema.fields?._tag?.literal
  return tag === undefined ? [] : [tag]
}

const declared = [...nodeCalls.requests.values()].flatMap((call: any) => [
  ...tagsOf(call.errorSchema),
  ...(RpcSchema.isStreamSchema(call.successSchema) ? tagsOf(call.successSchema.error) : [])
])

describe("ExitCode", () => {
  it("has a row for every error that a call of a node declares", () => {
    assert.isAbove(declared.length, 20)
    for (const tag of declared) assert.property(ExitCode.table, tag)
  })

  it("has a row for every error of the way to the node, of the command line and of the CLI, and no other", () => {
    const all = new Set([
      ...declared,
      ...tagsOf(NodeClientError),
      ...tagsOf(CliError),
      ...tagsOf(NonShowHelpErrors),
      "ShowHelp"
    ])
    assert.deepStrictEqual([...all].sort(), Object.keys(ExitCode.table).sort())
  })

  it("uses only the five codes that the help promises", () => {
    for (const code of Object.values(ExitCode.table)) assert.include([0, 1, 2, 3, 4], code)
  })

  it("says refused for what policy, a key or a missing capability stops", () => {
    for (const _tag of ["SourceRefused", "ModuleRefused", "LanguageUnavailable", "NodeRefused", "KeyRefused"]) {
      assert.strictEqual(ExitCode.of({ _tag }), 4)
    }
  })

  it("gives an error of a newer node the code of a failure", () => {
    assert.strictEqual(ExitCode.of({ _tag: "SomethingOfTomorrow" }), 1)
    assert.strictEqual(ExitCode.of({ _tag: "toString" }), 1)
  })
})
