/**
 * One node of a Hyperswarm: the part of a transport that needs native UDP. It runs in the process of a transport on Node,
 * and in a sidecar (bare or Node) for the runtimes that cannot load it. It moves bytes and knows nothing of their meaning.
 *
 * With an empty `bootstrap` it also is the root of a DHT of its own. A lone Hyperswarm node does not answer for itself, so
 * the root is a second DHT node beside it: the root has the address that others are told, the swarm any free port.
 */
const Hyperswarm = require("hyperswarm")
const DHT = require("hyperdht")
const UDX = require("udx-native")

/** Two nodes that join a topic at the same moment do not see each other in the DHT: it is asked again after these times. */
const lookAgainMs = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000]
const dialAgainMs = 500
const portTriesMax = 8
const stopMsMax = 1_000
const endMsMax = 5_000

module.exports = class HyperswarmNode {
  constructor(options, events) {
    this.options = options
    this.events = events
    this.streams = new Map()
    this.topics = new Map()
    this.dials = new Map()
    /** Where peers that are dialled may be. */
    this.addresses = new Map()
    this.lastId = 0
    this.stopped = false
    this.root = null
    this.dht = null
    this.swarm = null
  }

  /** Binds, then tells `bound`, and `ready` once it can be found. Rejects when no UDP socket can be bound. */
  async start() {
    const { bootstrap, host, keepAliveMs, port, reachable, seed } = this.options
    const isRoot = bootstrap.length === 0
    if (isRoot) this.root = await startRoot(host, port)
    this.dht = new WatchedDht(this, {
      host,
      // A range: HyperDHT takes 0 for its well-known port.
      port: isRoot || port === 0 ? [0, 0] : [port, port + 1],
      bootstrap: isRoot ? [addressOf(this.root)] : bootstrap,
      connectionKeepAlive: keepAliveMs,
      ...(reachable ? { firewalled: false, ephemeral: true } : {})
    })
    await this.dht.bind()
    this.swarm = new Hyperswarm({
      dht: this.dht,
      keyPair: DHT.keyPair(seed),
      maxPeers: this.options.connectionsMax,
      maxParallel: 16
    })
    this.swarm.on("connection", (stream) => this._opened(stream))
    const { host: boundHost, port: boundPort } = isRoot ? addressOf(this.root) : this.dht.io.serverSocket.address()
    this.events.bound(`${boundHost}:${boundPort}`)
    this._listen()
  }

  async _listen() {
    for (let pauseMs = 250; !this.stopped; pauseMs = Math.min(2 * pauseMs, 10_000)) {
      try {
        await this.dht.fullyBootstrapped()
        await this.swarm.listen()
        if (!this.stopped) this.events.ready()
        return
      } catch {
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
  }

  join(topic) {
    const name = Buffer.from(topic).toString("hex")
    if (this.topics.has(name)) return
    const session = this.swarm.join(Buffer.from(topic))
    const joined = { session, timer: null }
    this.topics.set(name, joined)
    this._lookAgain(joined, 0)
  }

  _lookAgain(joined, round) {
    if (round >= lookAgainMs.length) return
    clearTimeout(joined.timer)
    joined.timer = setTimeout(() => {
      joined.session.refresh({ client: true, server: true }).catch(ignore)
      this._lookAgain(joined, round + 1)
    }, lookAgainMs[round])
  }

  leave(topic) {
    const name = Buffer.from(topic).toString("hex")
    const joined = this.topics.get(name)
    if (joined === undefined) return
    this.topics.delete(name)
    clearTimeout(joined.timer)
    this.swarm.leave(Buffer.from(topic)).catch(ignore)
  }

  dial(peer, address = "") {
    const key = Buffer.from(peer)
    const name = key.toString("hex")
    if (this.dials.has(name)) return
    this.dials.set(name, null)
    if (address !== "") this.addresses.set(name, parseAddress(address))
    this.swarm.joinPeer(key)
  }

  hangUp(peer) {
    const key = Buffer.from(peer)
    const name = key.toString("hex")
    const stream = this.dials.get(name)
    if (stream === undefined) return
    this._dialEnded(key, name)
    if (stream !== null) stream.destroy()
  }

  contact(address) {
    this._contact(address).then(
      (found) => this.events.contacted(address, found),
      (error) => this.events.contactFailed(address, reasons[error.code] || error.message)
    )
  }

  /** Asks the node there for a sign of life, and counts it among those of the DHT that this one asks and tells things. */
  async _contact(address) {
    const { host: name, port } = parseAddress(address)
    const { host } = await new UDX().lookup(name, { family: 4 })
    await this.dht.ping({ host, port })
    if (this.stopped) return address
    this.dht.addNode({ host, port })
    this.swarm.server.refresh()
    for (const joined of this.topics.values()) {
      joined.session.refresh({ client: true, server: true }).catch(ignore)
      // One that is running already may have begun without the new node.
      this._lookAgain(joined, 0)
    }
    return `${host}:${port}`
  }

  write(id, bytes) {
    const stream = this.streams.get(id)
    if (stream !== undefined) stream.write(bytes)
  }

  end(id) {
    const stream = this.streams.get(id)
    if (stream === undefined) return
    stream.end()
    const timer = setTimeout(() => stream.destroy(), endMsMax)
    stream.on("close", () => clearTimeout(timer))
  }

  destroy(id) {
    const stream = this.streams.get(id)
    if (stream !== undefined) stream.destroy()
  }

  /** Says goodbye to the DHT and to the peers, for at most a second. */
  async stop() {
    if (this.stopped) return
    this.stopped = true
    for (const { timer } of this.topics.values()) clearTimeout(timer)
    for (const stream of this.streams.values()) stream.end()
    let timer = null
    const polite = async () => {
      if (this.swarm !== null) await this.swarm.destroy()
      if (this.root !== null) await this.root.destroy()
    }
    const hurry = new Promise((resolve) => {
      timer = setTimeout(resolve, stopMsMax)
    })
    await Promise.race([polite().catch(ignore), hurry])
    clearTimeout(timer)
    if (this.swarm !== null) await this.swarm.destroy({ force: true }).catch(ignore)
    if (this.root !== null) await this.root.destroy({ force: true }).catch(ignore)
  }

  _opened(stream) {
    stream.on("error", ignore)
    if (this.stopped || this.streams.size >= this.options.connectionsMax) return stream.destroy()
    const id = ++this.lastId
    const name = stream.remotePublicKey.toString("hex")
    let reason = "the peer closed the connection"
    this.streams.set(id, stream)
    this._dialEnded(stream.remotePublicKey, name)
    stream.setTimeout(this.options.silenceMsMax)
    // Hyperswarm takes a new connection of a peer in place of one that has carried bytes, and may refuse it otherwise. One
    // that was killed right after it connected must not be refused until the old connection is found dead.
    stream.sendKeepAlive()
    stream.on("error", (error) => {
      reason = error.message
    })
    stream.on("data", (bytes) => this.events.received(id, bytes))
    stream.on("end", () => stream.end())
    stream.on("close", () => {
      this.streams.delete(id)
      this.events.closed(id, reason)
    })
    this.events.opened({
      id,
      peer: stream.remotePublicKey,
      initiator: stream.isInitiator,
      remoteAddress: `${stream.rawStream.remoteHost}:${stream.rawStream.remotePort}`,
      handshakeHash: stream.handshakeHash
    })
  }

  /** Hyperswarm made an attempt of its own for a topic, or one that `dial` asked for. */
  _dialling(key, stream) {
    const name = key.toString("hex")
    if (!this.dials.has(name)) return
    this.dials.set(name, stream)
    let opened = false
    let reason = "it hung up"
    stream.on("open", () => {
      opened = true
    })
    stream.on("error", (error) => {
      reason = reasons[error.code] || error.message
    })
    stream.on("close", () => {
      if (opened || this.dials.get(name) !== stream) return
      // Hyperswarm drops our attempt for the one that the peer made at the same time: that one decides.
      if (reason === duplicate) return
      // The peer answers, but holds an older connection of ours that it has not yet found to be dead.
      if (reason === refused) return this._dialAgain(key, name)
      this._dialEnded(key, name)
      this.events.dialFailed(key, reason)
    })
  }

  /** Until it succeeds, fails otherwise or is hung up. */
  _dialAgain(key, name) {
    this.dials.set(name, null)
    setTimeout(() => {
      if (this.stopped || this.dials.get(name) !== null) return
      this.swarm.leavePeer(key)
      this.swarm.joinPeer(key)
    }, dialAgainMs)
  }

  /** From here on Hyperswarm does not redial by itself; whether to is decided above. */
  _dialEnded(key, name) {
    if (!this.dials.delete(name)) return
    this.addresses.delete(name)
    this.swarm.leavePeer(key)
  }
}

/**
 * Tells how attempts to connect end, which Hyperswarm keeps to itself, and asks a peer whose address is known at that address too: a node
 * answers for itself, also where the DHT that knew it was started again and has forgotten all.
 */
class WatchedDht extends DHT {
  constructor(node, options) {
    super(options)
    this.node = node
  }

  connect(key, options) {
    const address = this.node.addresses.get(Buffer.from(key).toString("hex"))
    const stream = super.connect(key, address === undefined ? options : { ...options, relayAddresses: [address] })
    this.node._dialling(Buffer.from(key), stream)
    return stream
  }
}

/** A DHT node that answers from the start, at the port that was asked for or, if that is taken, at any. */
const startRoot = async (host, port) => {
  const told = host === "0.0.0.0" ? outerAddress() : host
  for (let tries = 1; ; tries++) {
    const root = DHT.bootstrapper(tries === 1 && port !== 0 ? port : await freePort(host), told, { host })
    root.toldHost = told
    try {
      await root.bind()
      await root.fullyBootstrapped()
      return root
    } catch (error) {
      await root.destroy({ force: true }).catch(ignore)
      if (tries === portTriesMax) throw error
    }
  }
}

const parseAddress = (address) => {
  const at = address.lastIndexOf(":")
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) }
}

const addressOf = (root) => ({ host: root.toldHost, port: root.io.serverSocket.address().port })

const freePort = async (host) => {
  const socket = new UDX().createSocket()
  socket.bind(0, host)
  const { port } = socket.address()
  await socket.close()
  return port
}

/** The address at which other machines see this one, as far as its own interfaces tell. */
const outerAddress = () => {
  for (const { family, host, internal } of new UDX().networkInterfaces()) if (family === 4 && !internal) return host
  return "127.0.0.1"
}

const duplicate = "Duplicate connection"
const refused = "it refuses the connection"
const reasons = {
  ECONNRESET: refused,
  PEER_NOT_FOUND: "nobody in the DHT has this key; is it running?",
  REQUEST_TIMEOUT: "no node answers there; is it running, and is this its UDP port?",
  EAI_NONAME: "this host is not known",
  EAI_AGAIN: "this host is not known, or no name server answers",
  PEER_CONNECTION_FAILED: "it is in the DHT, and does not answer",
  HOLEPUNCH_ABORTED: "it is behind a firewall that could not be passed",
  CANNOT_HOLEPUNCH: "it is behind a firewall that could not be passed",
  REMOTE_NOT_HOLEPUNCHABLE: "it is behind a firewall that could not be passed",
  HOLEPUNCH_DOUBLE_RANDOMIZED_NATS: "both sides are behind firewalls that cannot be passed"
}

function ignore() {}
