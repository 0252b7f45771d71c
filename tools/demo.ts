/**
 * `npm run demo`: starts a private DHT and two nodes in a temporary folder and shows the main flows, saying what it does at
 * each step. Exits 0 when every step did what it says, 1 at the first that did not. Needs no network, leaves nothing behind.
 */
import * as Testnet from "@continuum/mesh/testing/Testnet"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DemoNode, killAll, sleep } from "./DemoNode.ts"
import { expect, note, paint, step } from "./DemoShow.ts"

const folder = mkdtempSync(join(tmpdir(), "continuum-demo-"))
const acknowledgedAdds = 100
const double = "(input) => input * 2"

/** One node: a function becomes a supervised actor, and what goes wrong in it stays there. */
const oneNode = async (ant: DemoNode) => {
  const run = ["jit/run", "--lang", "js", "--source", double, "--input", "21"]
  step("Type a function; the node compiles it to WebAssembly and runs it as a supervised actor with fuel")
  const compiled = await ant.jtag(...run)
  expect(compiled.output === 42 && compiled.cache === "compiled", "42, freshly compiled")
  expect(compiled.report.tier === "wasm" && compiled.fuel > 0, `compiled code that used ${compiled.fuel} units of fuel`)

  step("Again: it comes from the cache, under the same content id")
  const again = await ant.jtag(...run)
  expect(again.output === 42 && again.cache === "hit", "a cache hit")
  expect(again.contentId === compiled.contentId, `content id ${again.contentId.slice(0, 16)}…`)

  step("A function that only JavaScript can express runs on QuickJS, and the report says why")
  const regex = await ant.jtag(
    "jit/run",
    "--lang",
    "js",
    "--source",
    's => s.replace(/a/g, "o")',
    "--input",
    '"banana"'
  )
  expect(regex.output === "bonono" && regex.report.tier === "quickjs", `"${regex.output}" (${regex.report.reason})`)

  step("An endless loop is stopped, and the node answers meanwhile")
  const loop = ant.jtagRefused("jit/run", "--lang", "js", "--source", "(n) => { while (true) n++ }", "--input", "1")
  await sleep(300)
  const asked = performance.now()
  await fetch(`${ant.url}/healthz`)
  note(`/healthz answered after ${(performance.now() - asked).toFixed(0)} ms while the loop ran`)
  const refused = await loop
  expect(refused !== undefined, `a refusal: ${refused}`)
}

/** Strangers at first; then each owner lets the other's node in. */
const meet = async (ant: DemoNode, bee: DemoNode) => {
  step("Two nodes that were given the same DHT find each other, as strangers")
  await ant.connectedTo(1)
  await bee.connectedTo(1)
  const [seen] = await ant.jtag("peers/list")
  expect(
    seen.name === "bee" && seen.grants.length === 0,
    `bee, ${seen.publicKey.slice(0, 8)}…, which may do nothing here`
  )
  const refused = await ant.jtagRefused("actors/ask", "continuum://bee/counter/demo", "add", "1")
  expect(refused?.includes("does not grant") === true, `a refusal: ${refused}`)

  step("Each owner adds the other's node: peers/add connects and grants in one step")
  await ant.jtag("peers/add", "bee")
  const { publicKey } = await ant.jtagQuietly("status")
  await bee.jtag("peers/add", publicKey)
  expect((await ant.jtagQuietly("peers/list"))[0].rttMs !== null, "connected, with a measured round trip")
}

/** The same messages, to actors of the other node. */
const across = async (ant: DemoNode, bee: DemoNode) => {
  const { publicKey: beeKey } = await bee.jtagQuietly("status")

  step("The function typed on ant runs on bee, by name; its code travels by its hash")
  const run = ["jit/run", "--lang", "js", "--source", double, "--input", "21", "--mesh", "bee"]
  const first = await ant.jtag(...run)
  expect(
    first.output === 42 && first.nodeKey === beeKey && first.cache === "fetched",
    "42 from bee, which fetched the code"
  )
  const second = await ant.jtag(...run)
  expect(second.cache === "hit", "a cache hit on bee the second time")

  step("And by address: the module is an actor over there")
  const module = `continuum://bee/module/${first.contentId}`
  const asked = await ant.jtag("actors/ask", module, "run", '{"input": 4}')
  expect(asked.reply.output === 8, "8 from the module's actor on bee")

  step(
    "bee compiles no JavaScript (--languages wat); ant does it for bee, and bee tests what it gets against the source"
  )
  const compiled = await bee.jtag("jit/compile", "--lang", "js", "--source", "(n) => n * n + 1", "--sample", "3")
  expect(compiled.compiledBy === "ant", "compiled by ant")
  const ran = await bee.jtag("jit/run", compiled.contentId, "--input", "5")
  expect(ran.output === 26 && ran.node === "bee", "26, run on bee: what one node could not do alone")
}

/** Nothing acknowledged is lost, whatever is killed. */
const faults = async (ant: DemoNode, bee: DemoNode) => {
  const counter = "continuum://bee/counter/demo"
  step(`A durable counter on bee: ${acknowledgedAdds} additions asked from ant, then kill -9 of bee`)
  await ant.jtag("actors/ask", counter, "add", "1")
  let last = 0
  for (let i = 1; i < acknowledgedAdds; i++) {
    last = await ant.call("actors.ask", { address: counter, messageName: "add", payload: 1 })
  }
  expect(last === acknowledgedAdds, `an answer of ${acknowledgedAdds}: all additions acknowledged`)
  await bee.kill()
  const refused = await ant.jtagRefused("actors/ask", counter, "get")
  expect(refused !== undefined, `meanwhile, a clear error: ${refused}`)
  await bee.start()
  note(`process ${bee.child!.pid} runs on the same folder`)
  await ant.connectedTo(1)
  const after = await ant.jtag("actors/ask", counter, "get")
  expect(after.reply === acknowledgedAdds, `${after.reply}: no acknowledged addition was lost`)

  step("kill -9 of the sidecar that carries Hyperswarm: it is replaced, and the mesh heals")
  const before = bee.sidecar()
  process.kill(before, "SIGKILL")
  const killedAt = performance.now()
  while ((await bee.call("node.status", null)).mesh.restarts === 0) await sleep(20)
  await bee.connectedTo(1)
  await ant.connectedTo(1)
  const healed = await ant.jtag("actors/ask", counter, "add", "1")
  expect(
    healed.reply === acknowledgedAdds + 1,
    `${healed.reply}, ${((performance.now() - killedAt) / 1000).toFixed(1)} s after the kill`
  )
}

/** A persona, and a layer swapped in the middle of a conversation. */
const personas = async (ant: DemoNode) => {
  step("Ask a persona: it quotes the project's own pages, without network")
  const rtos = await ant.jtag("ai/generate", "--prompt", "Explain RTOS", "--persona", "Teacher AI")
  expect(rtos.text.startsWith("An RTOS"), `an answer from ${rtos.trace.bids[0].reason}`)

  step("One conversation, three compositions of the tiny model: a layer changes what the persona can do")
  const ask = (layers: string) =>
    ant.jtag("ai/generate", "--prompt", "reverse tiger", "--conversation", "demo", "--layers", layers)
  const without = await ask("")
  expect(without.trace.layers.length === 0, `"${without.text}" by the bare model`)
  const reversed = await ask("reversing")
  expect(reversed.text === "regit", `"regit" with the layer reversing, first text after ${reversed.trace.ttftMs} ms`)
  const sorted = await ask("sorting")
  expect(sorted.text !== reversed.text, `"${sorted.text}" with sorting, first text after ${sorted.trace.ttftMs} ms`)
  const helper = "continuum://local/persona/Helper%20AI"
  const said = await ant.jtag("actors/ask", helper, "recall", '{"conversation":"demo"}')
  expect(said.reply.length === 6, "all three questions and answers in the persona's memory")

  const words = ["hello", "stone", "water", "green", "paper", "mouse", "cloud", "bread", "chair", "light"]
  const right = { none: 0, reversing: 0 }
  const firstTextMs: Array<number> = []
  // The layer goes and comes between any two questions of the same conversation.
  for (const word of words) {
    for (const layers of ["none", "reversing"] as const) {
      const names = layers === "none" ? [] : [layers]
      const question = { prompt: `reverse ${word}`, conversation: "numbers", layers: names }
      const { values } = await ant.stream("ai.generate", question)
      const text = values.map((value) => (value._tag === "Text" ? value.text : "")).join("")
      if (text === [...word].toReversed().join("")) right[layers]++
      firstTextMs.push(values.at(-1).trace.ttftMs)
    }
  }
  const [fastest, slowest] = [Math.min(...firstTextMs), Math.max(...firstTextMs)]
  expect(
    right.reversing > right.none,
    `${right.none} of ${words.length} words reversed without the layer, ${right.reversing} with it, the layer swapped ` +
      `${firstTextMs.length - 1} times in one conversation, each first text within ${fastest} to ${slowest} ms`
  )
}

/** The persona of the other node, in text that streams from there. */
const personaAcross = async (ant: DemoNode, bee: DemoNode) => {
  step("A persona of bee answers on ant, with bee's model and layers; the trace names bee's key")
  const { publicKey } = await bee.jtagQuietly("status")
  const question = ["ai/generate", "--prompt", "spell stone backwards", "--persona", "Teacher AI"]
  const there = await ant.jtag(...question, "--mesh", "bee")
  expect(there.nodeKey === publicKey, `"${there.text}" from ${there.node}, key ${there.nodeKey.slice(0, 8)}…`)
  const here = await ant.jtagQuietly(...question)
  expect(there.text === here.text, "the same text as of the same persona on ant")
  const models = (await (await fetch(`${ant.url}/v1/models`)).json()) as {
    readonly data: ReadonlyArray<{ id: string }>
  }
  expect(
    models.data.some(({ id }) => id === "teacher-ai@bee"),
    "teacher-ai@bee among the models that ant offers to clients of OpenAI"
  )
}

/** What a second node is worth, in numbers of this machine. */
const gain = async (ant: DemoNode) => {
  step("What two nodes gain over one, measured: the same 48 calls of a function on ant alone, then on both")
  const source = "(n) => { let s = 0; for (let i = 0; i < n; i++) s += i; return s }"
  const input = 10_000_000
  const target = { lang: "js", source }
  const one = (mesh: string) => ant.call("jit.run", { target, input, mesh })
  const [here, there] = [await one("local"), await one("bee")]
  expect(
    here.output === there.output && here.fuel === there.fuel,
    `the same answer and the same fuel (${here.fuel}) on both`
  )
  const batch = async (nodes: ReadonlyArray<string>) => {
    const started = performance.now()
    await Promise.all(Array.from({ length: 48 }, (_, i) => one(nodes[i % nodes.length]!)))
    return performance.now() - started
  }
  const [alone, together] = [await batch(["local"]), await batch(["local", "bee"])]
  note(`ant alone ${alone.toFixed(0)} ms, ant and bee ${together.toFixed(0)} ms: x${(alone / together).toFixed(2)}`)
  note(
    alone > together
      ? "A module is one actor, one call at a time, on each node: a second node runs a second one beside it"
      : "No gain now: two nodes on one machine need a second core that is idle, and here something else has it"
  )
}

const main = async (bootstrap: string) => {
  const ant = new DemoNode(folder, "ant", ["--bootstrap", bootstrap])
  const bee = new DemoNode(folder, "bee", ["--bootstrap", bootstrap, "--languages", "wat"])
  step("Start two nodes: `bun apps/node --bootstrap ...`")
  await Promise.all([ant.start(), bee.start()])
  expect((await fetch(`${ant.url}/healthz`)).status === 200, `ant is ready at ${ant.url}, bee at ${bee.url}`)

  await oneNode(ant)
  await personas(ant)
  await meet(ant, bee)
  await across(ant, bee)
  await faults(ant, bee)
  await personaAcross(ant, bee)
  await gain(ant)

  step("Stop them cleanly")
  for (const node of [ant, bee]) {
    await node.jtag("down")
    expect((await node.ended()) === 0, `exit code 0 of ${node.name}`)
  }
}

const testnet = await Testnet.start()
const cleanUp = () => {
  killAll()
  rmSync(folder, { recursive: true, force: true })
  return testnet.stop()
}
process.on("SIGINT", () => void cleanUp().then(() => process.exit(130)))

try {
  await main(testnet.bootstrap.join(","))
  console.log(`\n${paint(32, "Everything did what it says.")}`)
} catch (error) {
  console.error(`\n${paint(31, `The demo failed: ${error instanceof Error ? error.message : String(error)}`)}`)
  process.exitCode = 1
} finally {
  await cleanUp()
}
