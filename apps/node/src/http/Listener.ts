/**
 * The listening socket: how long it waits for a client, and what it says while the doors behind it are not open yet or not any
 * more. It does not count connections: Bun tells of one only when it has asked something, and closes it before that in time.
 *
 * Whatever arrives is answered or closed within `Limits`, by `node:http`, which refuses malformed requests with 400, 413 or
 * 431 by itself, on Bun, Deno and Node alike. Until the node serves, and once it has stopped to, every request gets 503.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { gracefulStopMs } from "../Stop.ts"

export interface Limits {
  /** From a connection, or the request before, to the end of the headers, in ms. */
  readonly headersMsMax: number
  /** To the end of the body, in ms. */
  readonly requestMsMax: number
  /** Between two requests on one connection, in ms. */
  readonly idleMsMax: number
  /** What a request in progress gets when the node stops, in ms. */
  readonly gracefulStopMs: number
}

export const defaults: Limits = {
  // A client that sends its headers more slowly than this holds a connection for nothing. Chosen, not measured.
  headersMsMax: 10_000,
  // The largest body, 24 MiB, at 400 kB/s: slow WLAN.
  requestMsMax: 60_000,
  // That of node:http.
  idleMsMax: 5_000,
  gracefulStopMs
}

/** A server whose `close` does not wait for clients that keep a connection and say nothing. */
export const make = (limits: Limits = defaults): Server => {
  const server = createServer({
    headersTimeout: limits.headersMsMax,
    requestTimeout: limits.requestMsMax,
    keepAliveTimeout: limits.idleMsMax,
    connectionsCheckingInterval: Math.min(1_000, limits.headersMsMax / 2)
  })
  let wasServed = false
  const notReady = ({ url }: IncomingMessage, response: ServerResponse) => {
    const isServed = server.listenerCount("request") > 1
    wasServed ||= isServed
    if (!isServed) refuse(response, url === "/healthz", wasServed ? "stopping" : "starting")
  }
  server.on("request", notReady)
  const close = server.close.bind(server)
  server.close = (done) => {
    close(done)
    server.closeIdleConnections()
    setTimeout(() => server.closeAllConnections(), limits.gracefulStopMs).unref()
    return server
  }
  return server
}

/** 503: `/healthz` with its status, everything else in the form of all refusals. */
const refuse = (response: ServerResponse, isHealth: boolean, status: "starting" | "stopping"): void => {
  const error = { tag: "NodeNotReady", message: `The node is ${status}. Try again in a second` }
  const body = JSON.stringify(isHealth ? { status } : { error })
  response.writeHead(503, {
    "content-type": "application/json",
    "content-length": body.length,
    "retry-after": "1",
    connection: "close"
  })
  response.end(body)
}
