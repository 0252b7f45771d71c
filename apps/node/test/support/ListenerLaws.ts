/** What the listening socket of a node does on every runtime, as checks with names; each gives what went wrong. */
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import * as Listener from "../../src/http/Listener.ts"
import { malformed, meet, slow } from "./RawClients.ts"

/** Short limits, so that the checks are. */
const limits: Listener.Limits = {
  headersMsMax: 400,
  requestMsMax: 800,
  idleMsMax: 400,
  gracefulStopMs: 200
}

/** Far beyond every limit above: a machine may be busy. */
const patienceMs = 20_000

const listening = (server: Server) =>
  new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port))
  })

/** A listener behind which all bodies are read and everything is answered. */
const withServer = async <A>(use: (port: number) => Promise<A>): Promise<A> => {
  const server = Listener.make(limits)
  server.on("request", (request, response) => {
    request.on("error", () => {}).resume()
    request.on("end", () => response.end("ok"))
  })
  try {
    return await use(await listening(server))
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

const isAnswered = async (port: number): Promise<boolean> =>
  (await meet(port, { name: "", sends: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" }, patienceMs))
    .status === 200

type Law = readonly [name: string, problems: () => Promise<ReadonlyArray<string>>]

export const laws: ReadonlyArray<Law> = [
  [
    "refuses what is no HTTP, each with its status",
    () =>
      withServer(async (port) => {
        const problems = malformed.map(async (client) => {
          const { ended, status } = await meet(port, client, patienceMs)
          return ended && status === client.status ? [] : [`${client.name}: ${status}, ended: ${ended}`]
        })
        return (await Promise.all(problems)).flat()
      })
  ],
  [
    "waits for nobody for ever, and answers others meanwhile",
    () =>
      withServer(async (port) => {
        let answered = 0
        let waiting = true
        const others = (async () => {
          while (waiting) if (await isAnswered(port)) answered++
        })()
        const problems = await Promise.all(
          slow.map(async (client) => {
            const { ended, status } = await meet(port, client, patienceMs)
            // Who was too slow may hear 408 before the end.
            const isRight = status === client.status || (client.status === undefined && status === 408)
            return ended && isRight ? [] : [`${client.name}: ${status}, ended: ${ended}`]
          })
        )
        waiting = false
        await others
        return [...problems.flat(), ...(answered < 10 ? [`only ${answered} others were answered`] : [])]
      })
  ],
  [
    "answers 503 before anything is served, and when it is served no more",
    async () => {
      const server = Listener.make(limits)
      const url = `http://127.0.0.1:${await listening(server)}`
      const serve = (_: unknown, response: { readonly end: (text: string) => unknown }) => response.end("ok")
      const ask = async (path: string) => {
        const response = await fetch(`${url}${path}`)
        return `${response.status} ${response.headers.get("retry-after")} ${await response.text()}`
      }
      const before = [await ask("/healthz"), await ask("/rpc")]
      server.on("request", serve)
      const during = await ask("/healthz")
      server.off("request", serve)
      const after = await ask("/healthz")
      server.close()
      server.closeAllConnections()
      const seen = [...before, during, after]
      const expected = [
        '503 1 {"status":"starting"}',
        '503 1 {"error":{"tag":"NodeNotReady","message":"The node is starting. Try again in a second"}}',
        "200 null ok",
        '503 1 {"status":"stopping"}'
      ]
      return JSON.stringify(seen) === JSON.stringify(expected) ? [] : seen
    }
  ]
]
