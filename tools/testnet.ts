/**
 * `bun tools/testnet.ts [--nodes N]`: a private DHT on 127.0.0.1 for as long as this runs. Prints the address that nodes are
 * given as `--bootstrap`.
 */
import * as Testnet from "@continuum/mesh/testing/Testnet"
import { parseArgs } from "node:util"

const usage = `bun tools/testnet.ts [--nodes N]
  a private DHT on 127.0.0.1 for as long as this runs; prints what nodes are given as --bootstrap
  --nodes N   1 to 64; default 3`

const nodesOf = (): number => {
  try {
    const { values } = parseArgs({
      options: { nodes: { type: "string", default: "3" }, help: { type: "boolean", default: false } }
    })
    if (values.help) {
      console.log(usage)
      process.exit(0)
    }
    const nodes = Number(values.nodes)
    if (Number.isInteger(nodes) && nodes >= 1 && nodes <= 64) return nodes
    console.error("--nodes must be a whole number from 1 to 64")
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`)
  }
  process.exit(2)
}
const nodes = nodesOf()

const testnet = await Testnet.start({ nodes })
console.log(testnet.bootstrap.join(","))
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => testnet.stop().then(() => process.exit(0)))
}
