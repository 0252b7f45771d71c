/**
 * One sidecar process, from its start to its end: Hyperswarm on bare or Node, reached over a Unix socket in a folder that
 * only this user can open.
 *
 * The child gets a one-time token on its standard input and shows it on the socket; only then it learns the node's key,
 * over the socket. Nothing secret is an argument or a variable. One client, then the socket is closed and removed.
 */
import type { Swarm, SwarmEvents } from "@continuum/core/Swarm"
import { Buffer } from "node:buffer"
import { spawn } from "node:child_process"
import { randomBytes, timingSafeEqual } from "node:crypto"
import { chmodSync, mkdtempSync, realpathSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { basename, delimiter, join } from "node:path"
import process from "node:process"
import * as Limits from "./Limits.ts"

const require = createRequire(import.meta.url)
/** The same path from src and from dist: what a sidecar runs is not compiled. */
const pathOf = (file: string) => decodeURIComponent(new URL(`../src/sidecar/${file}`, import.meta.url).pathname)
const Frame = require(pathOf("Frame.cjs")) as typeof import("./sidecar/Frame.cjs")

export type Runtime = "bare" | "node"

/** What the sidecar's `HyperswarmNode` is made with; the seed in hexadecimal. */
export interface Config {
  readonly seed: string
  readonly host: string
  readonly port: number
  readonly bootstrap: ReadonlyArray<{ readonly host: string; readonly port: number }>
  readonly reachable: boolean
  readonly keepAliveMs: number
  readonly silenceMsMax: number
  readonly connectionsMax: number
  readonly bytesWaitingMax: number
}

export interface Sidecar extends Swarm {
  readonly pid: number
  readonly kill: () => void
  /** Lets it say goodbye, for at most `Limits.sidecarStopMsMax`. Resolves when the process is gone. */
  readonly stop: () => Promise<void>
}

/** The program that runs sidecars. Throws where there is none. */
export const programOf = (runtime: Runtime): string => {
  if (runtime === "node") return (process.versions.bun ?? process.versions.deno) ? nodeInPath() : process.execPath
  const path = (require("bare-runtime") as (name: string) => string)("bare")
  // npm does not keep the mode of a binary that is no `bin` of its package.
  chmodSync(path, 0o755)
  return path
}

/** `bun --bun` puts a `node` into PATH that is Bun. */
const nodeInPath = (): string => {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    try {
      const path = realpathSync(join(folder, "node"))
      if (!basename(path).startsWith("bun")) return path
    } catch {
      // Not in this folder.
    }
  }
  throw new Error("there is no node in PATH")
}

/** What is used of a child process; declared here, so that whoever uses this package needs no types of Node. */
export interface Child {
  readonly pid?: number | undefined
  readonly stdin: {
    readonly on: (event: "error", listener: () => void) => unknown
    readonly write: (text: string) => unknown
    readonly end: () => unknown
  }
  readonly stdout: Output
  readonly stderr: Output
  readonly on: {
    (event: "error", listener: (error: Error) => void): unknown
    (event: "exit", listener: (code: number | null, signal: string | null) => void): unknown
  }
  readonly kill: (signal: "SIGKILL") => unknown
}

interface Output {
  readonly on: (event: "data", listener: (chunk: Uint8Array) => void) => unknown
}

/** A child with nothing but PATH in its environment. It ends with its standard input. */
export const start = (runtime: Runtime, file: "entry.cjs" | "testnet.cjs", argument: string): Child =>
  spawn(programOf(runtime), [pathOf(file), argument], {
    env: { PATH: process.env.PATH ?? "" },
    stdio: ["pipe", "pipe", "pipe"]
  })

/**
 * Starts a sidecar; resolves when it has bound its UDP socket. Rejects, with the process gone, when that fails or takes
 * longer than `Limits.sidecarStartMsMax`. Afterwards `events.down` tells its end, once.
 */
export const open = (runtime: Runtime, config: Config, events: SwarmEvents): Promise<Sidecar> =>
  new Promise((resolve, reject) => {
    const folder = mkdtempSync(join(tmpdir(), "continuum-"))
    chmodSync(folder, 0o700)
    const token = randomBytes(32).toString("hex")
    const server = createServer()
    let child: Child | undefined
    let socket: Socket | undefined
    let stage: "starting" | "running" | "over" = "starting"
    let output = ""

    const closeServer = () => {
      server.close()
      rmSync(folder, { recursive: true, force: true })
    }
    const over = (reason: string) => {
      if (stage === "over") return
      const before = stage
      stage = "over"
      clearTimeout(startTimer)
      clearInterval(pingTimer)
      closeServer()
      socket?.destroy()
      child?.kill("SIGKILL")
      const text = output.trim() === "" ? reason : `${reason}: ${output.trim()}`
      if (before === "starting") reject(new Error(text))
      else events.down(text)
    }
    const startTimer = setTimeout(
      () => over(`it did not start within ${Limits.sidecarStartMsMax / 1_000} s`),
      Limits.sidecarStartMsMax
    )
    let missed = 0
    // Questions are counted and not milliseconds: a host that was busy for long does not blame its sidecar.
    const pingTimer = setInterval(() => {
      if (stage !== "running") return
      if (missed++ >= Limits.sidecarPingsMissedMax) over("it no longer answers, and was killed")
      else send("ping", 0)
    }, Limits.sidecarPingMs)

    const write = Frame.writer((bytes) => socket?.write(bytes))
    const send = (kind: Parameters<typeof Frame.encode>[0], id: number, payload?: Uint8Array) => {
      if (stage !== "over") write(Frame.encode(kind, id, payload))
    }
    const sendNumber = (kind: "taken", id: number, number: number) => {
      const payload = Buffer.alloc(4)
      payload.writeUInt32LE(number)
      send(kind, id, payload)
    }
    const exited = new Promise<void>((gone) => {
      server.on("error", (error) => over(error.message))
      server.on("connection", (one) =>
        admit(one, token, (first) => {
          if (socket !== undefined || stage !== "starting") return one.destroy()
          socket = one
          closeServer()
          converse(one, first)
          send("config", 0, Buffer.from(JSON.stringify(config)))
        })
      )
      listen(server, join(folder, "socket"), () => {
        if (stage !== "starting") return
        try {
          child = start(runtime, "entry.cjs", join(folder, "socket"))
        } catch (cause) {
          return over((cause as Error).message)
        }
        child.on("error", (error) => {
          over(error.message)
          gone()
        })
        child.on("exit", (code, signal) => {
          over(signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`)
          gone()
        })
        for (const stream of [child.stdout, child.stderr]) {
          stream.on("data", (chunk: Uint8Array) => {
            output = (output + Buffer.from(chunk).toString()).slice(0, Limits.sidecarOutputBytesMax)
          })
        }
        child.stdin.on("error", () => {})
        child.stdin.write(token)
      })
    })

    /** Bytes of each connection that were taken and not yet told. */
    const taken = new Map<number, number>()
    const hear: { readonly [kind: string]: (id: number, payload: Uint8Array) => void } = {
      bound: (_, payload) => {
        if (stage !== "starting") return
        stage = "running"
        clearTimeout(startTimer)
        events.bound(json<string>(payload))
        resolve(sidecar)
      },
      failed: (_, payload) => over(json<string>(payload)),
      ready: () => events.ready(),
      opened: (id, payload) => {
        const { handshakeHash, initiator, peer, remoteAddress } = json<
          Record<"handshakeHash" | "peer" | "remoteAddress", string> & { initiator: boolean }
        >(payload)
        taken.set(id, 0)
        events.opened({ id, peer: bytesOf(peer), initiator, remoteAddress, handshakeHash: bytesOf(handshakeHash) })
      },
      received: (id, payload) => {
        events.received(id, payload)
        const total = (taken.get(id) ?? 0) + payload.length
        if (total >= Limits.sidecarTakenBytes) sendNumber("taken", id, total)
        taken.set(id, total >= Limits.sidecarTakenBytes ? 0 : total)
      },
      closed: (id, payload) => {
        taken.delete(id)
        events.closed(id, json<string>(payload))
      },
      dialFailed: (_, payload) => {
        const { peer, reason } = json<Record<"peer" | "reason", string>>(payload)
        events.dialFailed(bytesOf(peer), reason)
      },
      contacted: (_, payload) => {
        const { address, found } = json<Record<"address" | "found", string>>(payload)
        events.contacted(address, found)
      },
      contactFailed: (_, payload) => {
        const { address, reason } = json<Record<"address" | "reason", string>>(payload)
        events.contactFailed(address, reason)
      },
      pong: () => {
        missed = 0
      }
    }
    const converse = (one: Socket, first: Uint8Array) => {
      const decode = Frame.decoder(Limits.sidecarPayloadBytesMax, (kind, id, payload) => {
        if (stage !== "over") hear[kind]?.(id, payload)
      })
      const read = (chunk: Uint8Array) => {
        try {
          decode(chunk)
        } catch (cause) {
          over(`it sent ${(cause as Error).message}`)
        }
      }
      one.on("data", read)
      one.on("error", () => {})
      // The socket of a process that ended is closed first; how it ended says more.
      one.on("close", () => setTimeout(() => over("it closed its socket"), Limits.sidecarExitMsMax))
      if (first.length > 0) read(first)
    }

    const sidecar: Sidecar = {
      get pid() {
        return child!.pid!
      },
      join: (topic) => send("join", 0, topic),
      leave: (topic) => send("leave", 0, topic),
      dial: (peer, address = "") => send("dial", 0, Buffer.concat([peer, Buffer.from(address)])),
      hangUp: (peer) => send("hangUp", 0, peer),
      contact: (address) => send("contact", 0, Buffer.from(address)),
      write: (id, bytes) => send("write", id, bytes),
      end: (id) => send("end", id),
      destroy: (id) => send("destroy", id),
      kill: () => {
        child?.kill("SIGKILL")
      },
      stop: () => {
        send("stop", 0)
        const timer = setTimeout(() => child?.kill("SIGKILL"), Limits.sidecarStopMsMax)
        return exited.finally(() => clearTimeout(timer))
      }
    }
  })

const listen = (server: Server, path: string, then: () => void): void => {
  server.listen(path, then)
}

/** Lets a client in that shows the token in its first frame; any other is dropped. */
const admit = (client: Socket, token: string, welcome: (rest: Uint8Array) => void): void => {
  const expected = Frame.encode("token", 0, Buffer.from(token))
  let shown: Buffer = Buffer.alloc(0)
  const read = (chunk: Uint8Array) => {
    shown = Buffer.concat([shown, chunk])
    if (shown.length < expected.length) return
    client.off("data", read)
    client.off("error", ignore)
    if (timingSafeEqual(shown.subarray(0, expected.length), expected)) welcome(shown.subarray(expected.length))
    else client.destroy()
  }
  client.on("error", ignore)
  client.on("data", read)
}

const ignore = () => {}
const json = <A>(payload: Uint8Array): A => JSON.parse(Buffer.from(payload).toString()) as A
const bytesOf = (hexadecimal: string): Uint8Array => new Uint8Array(Buffer.from(hexadecimal, "hex"))
