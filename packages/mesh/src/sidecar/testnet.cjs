/**
 * The program of a private DHT for tests, for bare and for Node: some DHT nodes on 127.0.0.1. Prints their bootstrap
 * addresses as one line of JSON, and ends with its standard input.
 */
const createTestnet = require("hyperdht/testnet.js")

const isBare = typeof Bare !== "undefined"
const [, , size] = isBare ? Bare.argv : process.argv
const exit = (code) => (isBare ? Bare.exit(code) : process.exit(code))
const input = isBare ? new (require("bare-pipe"))(0) : process.stdin

input.on("data", () => {})
input.on("error", () => exit(0))
input.on("end", () => exit(0))
input.on("close", () => exit(0))

createTestnet(Number(size)).then(({ bootstrap }) =>
  console.log(JSON.stringify(bootstrap.map(({ host, port }) => `${host}:${port}`)))
)
