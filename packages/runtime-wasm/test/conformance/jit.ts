/**
 * What a node must do alike on Bun, Deno and Node: the same source becomes the same module, gives the same output and
 * uses the same fuel; what is refused is refused in the same words; and a child that hangs is killed.
 */
import { Jit } from "@continuum/runtime-wasm/Jit"
import { Effect, ManagedRuntime } from "effect"
import process from "node:process"
import { check, report } from "../../../core/test/Conformance.ts"
import { examples } from "../support/Functions.ts"
import { golden } from "../support/FunctionsGolden.ts"
import { layer, run } from "../support/Node.ts"

const node = ManagedRuntime.make(layer)

for (const [index, { lang, source, input }] of examples.entries()) {
  await check(source, async () => {
    const { contentId, fuel, output, report } = await node.runPromise(run(source, input, { lang }))
    const found = JSON.stringify([contentId, output, fuel, report.tier])
    if (process.env["GOLDEN"] === "print") console.log(`  ${found},`)
    else if (found !== JSON.stringify(golden[index])) throw new Error(`it gave ${found}`)
  })
}

await check("each module is found again", async () => {
  for (const { lang, source, input } of examples) {
    const { cache } = await node.runPromise(run(source, input, { lang }))
    if (cache !== "hit") throw new Error(`${source}: ${cache}`)
  }
})

const refusals: ReadonlyArray<readonly [source: string, input: unknown, message: RegExp, timeoutMs?: number]> = [
  ["(n) => process.exit()", 1, /"process" at line 1, column 8 is refused/],
  ["(n) => n +* 2", 1, /line 1, column 11: Unexpected token/],
  ["(o) => { for (;;) {} }", {}, /used up its fuel of 1000000000 instructions/],
  ["(n) => { for (;;) n += 1 }", 1, /used up its fuel of 1000000000 instructions/],
  ["(o) => { const f = () => f() + 1; return f() }", {}, /InternalError: stack overflow/],
  ["(o) => 'x'.repeat(2 ** 29)", {}, /more than its 67108864 bytes/],
  ["(o) => { throw new RangeError('too far') }", {}, /failed: RangeError: too far/],
  ["(o) => { for (;;) {} } // for its time", {}, /did not end within 200 ms/, 200]
]
for (const [source, input, message, timeoutMs] of refusals) {
  await check(`${source} is refused`, async () => {
    const limits = timeoutMs === undefined ? {} : { timeoutMs, fuelMax: 90_000_000_000 }
    const error = await node.runPromise(Effect.flip(run(source, input, limits)))
    if (!message.test(error.message)) throw new Error(error.message)
  })
}

await check("the node goes on afterwards", async () => {
  const { output } = await node.runPromise(run("(input) => input * 2", 4))
  return output === 8
})

await check("a module is an actor with its uses", async () => {
  const { contentId } = await node.runPromise(run("(input) => input * 2", 4))
  const modules = await node.runPromise(Effect.flatMap(Jit, (jit) => jit.modules))
  return modules.some((one) => one.contentId === contentId && one.uses === 4)
})

await node.dispose()
report()
