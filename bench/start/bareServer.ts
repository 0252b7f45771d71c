/** Answers every request with 200, and writes pid and URL to the file that it is given. */
import { writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import process from "node:process"

const infoFile = process.argv[2]!
const server = createServer((_, response) => response.end("ok"))
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo
  writeFileSync(infoFile, JSON.stringify({ pid: process.pid, url: `http://127.0.0.1:${port}` }))
})
process.on("SIGTERM", () => process.exit(0))
