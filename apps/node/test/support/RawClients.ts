/** Clients of a port that speak HTTP badly, slowly or not at all. */
import { connect } from "node:net"

export interface RawClient {
  readonly name: string
  readonly sends: string
  /** Sent again and again, every 50 ms. */
  readonly drips?: string
  /** The status that it gets, or none: its connection is just closed. */
  readonly status?: number
}

const get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
const post = "POST /healthz HTTP/1.1\r\nHost: localhost\r\n"
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`

/** Those that are refused as soon as they have spoken. */
export const malformed: ReadonlyArray<RawClient> = [
  { name: "a first line of random bytes", sends: "\x00\xff\x13\x37garbage\r\n\r\n", status: 400 },
  { name: "the beginning of TLS", sends: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", status: 400 },
  { name: "another protocol", sends: "HELLO\r\n\r\n", status: 400 },
  { name: "no Host", sends: "GET /healthz HTTP/1.1\r\n\r\n", status: 400 },
  { name: "a length that is no number", sends: `${post}Content-Length: banana\r\n\r\n`, status: 400 },
  { name: "a length below 0", sends: `${post}Content-Length: -5\r\n\r\n`, status: 400 },
  { name: "a length beyond 64 bits", sends: `${post}Content-Length: ${"9".repeat(30)}\r\n\r\n`, status: 400 },
  { name: "two lengths", sends: `${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`, status: 400 },
  {
    name: "a length and chunks",
    sends: `${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400
  },
  { name: "a chunk whose length is no number", sends: `${chunked}zz\r\nhello\r\n`, status: 400 },
  { name: "a chunk whose length is beyond 64 bits", sends: `${chunked}${"f".repeat(17)}\r\nhello\r\n`, status: 400 },
  { name: "a header of 200 kB", sends: `${get}X: ${"a".repeat(200_000)}\r\n\r\n`, status: 431 },
  { name: "a URL of 200 kB", sends: `GET /${"a".repeat(200_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, status: 431 },
  { name: "a zero byte in a header", sends: `${get}X: a\0b\r\n\r\n`, status: 400 }
]

/** Those that let the server wait: for its headers, for its body, or for nothing. */
export const slow: ReadonlyArray<RawClient> = [
  { name: "a connection that says nothing", sends: "" },
  { name: "half a first line", sends: "GET /heal" },
  { name: "headers that come a byte at a time and never end", sends: `${get}X: `, drips: "a" },
  { name: "a body that stops in the middle", sends: `${post}Content-Length: 100\r\n\r\nhalf` },
  { name: "a body that comes a byte at a time", sends: `${post}Content-Length: 100000\r\n\r\n`, drips: "a" },
  { name: "a chunk that stops in the middle", sends: `${chunked}5\r\nhel` },
  { name: "a request, and then nothing", sends: `${get}\r\n`, status: 200 },
  { name: "a request, and then half of one", sends: `${get}\r\n${get}X: `, drips: "a", status: 200 }
]

export interface Met {
  /** Of the first answer. */
  readonly status: number | undefined
  /** Whether the other side ended the connection, within `waitMs`. */
  readonly ended: boolean
}

/** Plays a client until the other side ends the connection. */
export const meet = (port: number, { drips, sends }: RawClient, waitMs: number): Promise<Met> =>
  new Promise((resolve) => {
    let answer = ""
    let dripping: NodeJS.Timeout | undefined
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(Buffer.from(sends, "latin1"))
      if (drips !== undefined) dripping = setInterval(() => socket.write(drips), 50)
    })
    const finish = (ended: boolean) => {
      clearInterval(dripping)
      clearTimeout(patience)
      socket.destroy()
      const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]
      resolve({ status: status === undefined ? undefined : Number(status), ended })
    }
    const patience = setTimeout(() => finish(false), waitMs)
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")))
    // A reset ends it as well.
    socket.on("error", () => {})
    socket.on("close", () => finish(true))
  })

/** Connections that say nothing, all open, as long as the other side keeps them. */
export const idle = (port: number, count: number) =>
  Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof connect>>((resolve) => {
          const socket = connect(port, "127.0.0.1", () => resolve(socket))
          socket.on("error", () => resolve(socket))
        })
    )
  )
