/**
 * The program of a sidecar, for bare and for Node: a HyperswarmNode whose host is another process.
 *
 * It reads a one-time token from standard input, connects to the socket that its argument names, and shows the token there;
 * then the host tells it its key. It ends when the socket or standard input ends, which is also how it learns that its host
 * is gone, however that ended.
 */
const Frame = require("./Frame.cjs")
const HyperswarmNode = require("./HyperswarmNode.cjs")

const isBare = typeof Bare !== "undefined"
const [, , socketPath] = isBare ? Bare.argv : process.argv
const exit = (code) => (isBare ? Bare.exit(code) : process.exit(code))
const input = isBare ? new (require("bare-pipe"))(0) : process.stdin
const connect = () => (isBare ? new (require("bare-pipe"))(socketPath) : require("net").connect(socketPath))

const tokenLength = 64
const payloadBytesMax = 256 * 1024
const keyBytes = 32

const talk = (token) => {
  const socket = connect()
  const write = Frame.writer((bytes) => socket.write(bytes))
  const send = (kind, id, payload) => write(Frame.encode(kind, id, payload))
  const sendJson = (kind, id, value) => send(kind, id, Buffer.from(JSON.stringify(value)))
  /** Bytes of each connection that the host has not taken yet. */
  const waiting = new Map()
  let node = null

  const start = async ({ bytesWaitingMax, seed, ...options }) => {
    node = new HyperswarmNode(
      { ...options, seed: Buffer.from(seed, "hex") },
      {
        bound: (listening) => sendJson("bound", 0, listening),
        ready: () => send("ready", 0),
        opened: ({ handshakeHash, id, initiator, peer, remoteAddress }) => {
          waiting.set(id, 0)
          sendJson("opened", id, {
            peer: peer.toString("hex"),
            initiator,
            remoteAddress,
            handshakeHash: handshakeHash.toString("hex")
          })
        },
        received: (id, bytes) => {
          const total = waiting.get(id) + bytes.length
          waiting.set(id, total)
          // A peer that keeps to its credit cannot come this far, however slow the host is.
          if (total > bytesWaitingMax) return node.destroy(id)
          for (let at = 0; at < bytes.length; at += payloadBytesMax) {
            send("received", id, bytes.subarray(at, at + payloadBytesMax))
          }
        },
        closed: (id, reason) => {
          waiting.delete(id)
          sendJson("closed", id, reason)
        },
        dialFailed: (peer, reason) => sendJson("dialFailed", 0, { peer: peer.toString("hex"), reason }),
        contacted: (address, found) => sendJson("contacted", 0, { address, found }),
        contactFailed: (address, reason) => sendJson("contactFailed", 0, { address, reason })
      }
    )
    try {
      await node.start()
    } catch (error) {
      sendJson("failed", 0, error.message)
    }
  }
  const act = {
    config: (_, payload) => start(JSON.parse(payload.toString())),
    join: (_, topic) => node.join(Buffer.from(topic)),
    leave: (_, topic) => node.leave(topic),
    dial: (_, payload) => node.dial(payload.subarray(0, keyBytes), payload.subarray(keyBytes).toString()),
    hangUp: (_, peer) => node.hangUp(peer),
    contact: (_, address) => node.contact(address.toString()),
    write: (id, bytes) => node.write(id, bytes),
    end: (id) => node.end(id),
    destroy: (id) => node.destroy(id),
    taken: (id, payload) => {
      if (waiting.has(id)) waiting.set(id, waiting.get(id) - payload.readUInt32LE(0))
    },
    ping: () => send("pong", 0),
    stop: async () => {
      if (node !== null) await node.stop()
      exit(0)
    }
  }
  socket.on(
    "data",
    Frame.decoder(payloadBytesMax, (kind, id, payload) => act[kind](id, payload))
  )
  socket.on("error", () => exit(0))
  socket.on("end", () => exit(0))
  socket.on("close", () => exit(0))
  send("token", 0, Buffer.from(token))
}

let token = ""
input.on("data", (chunk) => {
  const complete = token.length === tokenLength
  token += chunk.toString()
  if (!complete && token.length === tokenLength) talk(token)
})
input.on("error", () => exit(0))
input.on("end", () => exit(0))
input.on("close", () => exit(0))
