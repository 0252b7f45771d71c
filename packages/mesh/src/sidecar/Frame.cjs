/**
 * Frames between a sidecar and its host, both of this package's own version: four bytes of length (little-endian, of what
 * follows), one of kind, four that name a connection or are 0, and a payload.
 */

/** The same on both sides. A host sends `token` to `hangUp`, a sidecar the rest. */
const kinds =
  "config join leave dial hangUp contact write end destroy taken ping stop token bound ready failed opened received closed dialFailed contacted contactFailed pong".split(
    " "
  )
const numbers = Object.fromEntries(kinds.map((kind, number) => [kind, number]))
const headerBytes = 9
/** Beyond this, copying costs more than another system call. Chosen, not measured. */
const joinBytesMax = 64 * 1024
const empty = new Uint8Array(0)

/** One frame, of a kind that is one of `kinds`. */
const encode = (kind, id, payload = empty) => {
  const frame = Buffer.allocUnsafe(headerBytes + payload.length)
  frame.writeUInt32LE(payload.length + 5, 0)
  frame[4] = numbers[kind]
  frame.writeUInt32LE(id, 5)
  frame.set(payload, headerBytes)
  return frame
}

/**
 * Feeds on bytes as they come, and calls `onFrame(kind, id, payload)` for each whole frame; the payload may be overwritten
 * afterwards. Throws at a frame of more than `payloadBytesMax` bytes or of an unknown kind.
 */
const decoder = (payloadBytesMax, onFrame) => {
  let waiting = []
  let waitingBytes = 0
  let needed = headerBytes
  return (chunk) => {
    waiting.push(chunk)
    waitingBytes += chunk.length
    if (waitingBytes < needed) return
    const bytes = viewOf(waiting.length === 1 ? waiting[0] : Buffer.concat(waiting, waitingBytes))
    let at = 0
    needed = headerBytes
    while (bytes.length - at >= headerBytes) {
      const size = bytes.readUInt32LE(at)
      const kind = kinds[bytes[at + 4]]
      if (size < 5 || size > payloadBytesMax + 5)
        throw new Error(`a frame of ${size} bytes, where ${payloadBytesMax} are allowed`)
      if (kind === undefined) throw new Error(`a frame of the unknown kind ${bytes[at + 4]}`)
      const end = at + 4 + size
      if (end > bytes.length) {
        needed = 4 + size
        break
      }
      onFrame(kind, bytes.readUInt32LE(at + 5), bytes.subarray(at + headerBytes, end))
      at = end
    }
    waiting = at < bytes.length ? [bytes.subarray(at)] : []
    waitingBytes = bytes.length - at
  }
}

/** Joins what is written in one turn into one write: each is a system call and wakes the other side. */
const writer = (write) => {
  let frames = []
  let bytes = 0
  const flush = () => {
    const written = frames
    frames = []
    if (written.length === 1 || bytes > joinBytesMax) for (const frame of written) write(frame)
    else write(Buffer.concat(written, bytes))
    bytes = 0
  }
  return (frame) => {
    frames.push(frame)
    bytes += frame.length
    if (frames.length === 1) queueMicrotask(flush)
  }
}

/** The same memory as a Buffer. */
const viewOf = (bytes) =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

module.exports = { encode, decoder, writer }
