/**
 * Streams of bytes without our messages and credit: of Hyperswarm itself on Node, and through the same sidecars as ours on Bun
 * and Deno. Writes are as large as what is sent; both ends are in this process and count.
 */
import { decodePublicKey, keyPairFromSeed } from "@continuum/core/Identity"
import * as SidecarProcess from "@continuum/mesh/SidecarProcess"
import * as Testnet from "@continuum/mesh/testing/Testnet"
import { randomBytes } from "node:crypto"
import { createRequire } from "node:module"
import process from "node:process"
import { finish } from "../Measure.ts"
import { runAsAsks, runSubject, type Subject } from "./Workload.ts"

/** What one end can do, and what happens to it. */
interface End {
  /** Resolves when more may be written. */
  readonly write: (bytes: Uint8Array) => Promise<void> | undefined
  received: (bytes: Uint8Array) => void
}

const testnet = await Testnet.start()
const [host = "", port = ""] = testnet.bootstrap[0]!.split(":")
const bootstrap = [{ host, port: Number(port) }]

/** Two ends of a connection between two Hyperswarms in this process. */
const inProcess = async (): Promise<readonly [End, End]> => {
  const require = createRequire(import.meta.url)
  const Hyperswarm = require("hyperswarm")
  const DHT = require("hyperdht")
  const start = async () => {
    const swarm = new Hyperswarm({ dht: new DHT({ bootstrap, host: "127.0.0.1", firewalled: false, ephemeral: true }) })
    await swarm.listen()
    const end = new Promise<End>((resolve) =>
      swarm.once("connection", (stream: any) => {
        let drained = () => {}
        const end: End = {
          received: () => {},
          write: (bytes) => (stream.write(bytes) ? undefined : new Promise<void>((resolve) => (drained = resolve)))
        }
        stream.on("error", () => {})
        stream.on("drain", () => drained())
        stream.on("data", (bytes: Uint8Array) => end.received(bytes))
        resolve(end)
      })
    )
    return { swarm, end }
  }
  const [a, b] = [await start(), await start()]
  a.swarm.joinPeer(b.swarm.keyPair.publicKey)
  return [await a.end, await b.end]
}

const bySidecar = async (): Promise<readonly [End, End]> => {
  const start = async () => {
    let opened: (end: End) => void = () => {}
    let ready: () => void = () => {}
    let only: End | undefined
    const end = new Promise<End>((resolve) => (opened = resolve))
    const isReady = new Promise<void>((resolve) => (ready = resolve))
    const seed = randomBytes(32)
    const sidecar = await SidecarProcess.open(
      process.argv[2] as SidecarProcess.Runtime,
      {
        seed: seed.toString("hex"),
        host: "127.0.0.1",
        port: 0,
        bootstrap,
        reachable: true,
        keepAliveMs: 2_500,
        silenceMsMax: 10_000,
        connectionsMax: 64,
        bytesWaitingMax: 2 ** 30
      },
      {
        bound: () => {},
        ready: () => ready(),
        down: (problem) => {
          throw new Error(problem)
        },
        opened: ({ id }) => {
          only = { received: () => {}, write: (bytes) => void sidecar.write(id, bytes) }
          opened(only)
        },
        received: (_, bytes) => only?.received(bytes),
        closed: () => {},
        dialFailed: (_, reason) => {
          throw new Error(reason)
        },
        contacted: () => {},
        contactFailed: () => {}
      }
    )
    await isReady
    return { sidecar, end, key: decodePublicKey(keyPairFromSeed(seed).publicKey) }
  }
  const [a, b] = [await start(), await start()]
  a.sidecar.dial(b.key)
  return [await a.end, await b.end]
}

const subjectOf = ([near, far]: readonly [End, End]): Subject => {
  let counted: (bytes: number) => void = () => {}
  let arrived = 0
  let wanted = 0
  far.received = (bytes) => {
    // Small ones go back; of the large ones only the number of bytes counts, however the stream cut them.
    if (wanted === 0) void far.write(new Uint8Array(bytes))
    else if ((arrived += bytes.length) >= wanted) counted(arrived)
  }
  return {
    echo: (bytes) =>
      new Promise((resolve) => {
        near.received = (echoed) => resolve(echoed.length)
        void near.write(bytes)
      }),
    bulk: async (chunk, count) => {
      arrived = 0
      wanted = chunk.length * count
      const all = new Promise<number>((resolve) => (counted = resolve))
      for (let i = 0; i < count; i++) await near.write(chunk)
      return all
    }
  }
}

const hasSidecar = "Bun" in globalThis || "Deno" in globalThis
// The far end tells small ones from large ones by what went before: echoes come first.
const subject = subjectOf(hasSidecar ? await bySidecar() : await inProcess())
await runAsAsks(subject)
await runSubject(subject)
finish()
