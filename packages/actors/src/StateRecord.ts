/**
 * A stored state as bytes on a disk: version (1 byte), CRC-32C (4 bytes, big-endian), state.
 *
 * The checksum covers the address too, so that a sound record that a damaged index puts under another actor's address is
 * found as well.
 */
import { Result } from "effect"
import * as Crc32c from "./Crc32c.ts"

/** The version of the format. Another version is refused: it is not damage, but it cannot be read here. */
export const version = 1

/** Bytes before the state. */
export const headerBytes = 5

/** The record of an actor's state. */
export const seal = (address: string, state: Uint8Array): Uint8Array => {
  const record = new Uint8Array(headerBytes + state.length)
  sealAt(record, 0, address, state)
  return record
}

/** Writes the record of an actor's state to a place in other bytes, which have room for it. */
export const sealAt = (bytes: Uint8Array, at: number, address: string, state: Uint8Array): void => {
  bytes.set(state, at + headerBytes)
  sealInPlace(bytes, at, at + headerBytes + state.length, address)
}

/** Makes a record of the bytes from `at` to `end`, where the state is behind room for the header. */
export const sealInPlace = (bytes: Uint8Array, at: number, end: number, address: string): void => {
  const checksum = Crc32c.ofRange(bytes, at + headerBytes, end, Crc32c.ofAscii(address))
  bytes[at] = version
  bytes[at + 1] = checksum >>> 24
  bytes[at + 2] = checksum >>> 16
  bytes[at + 3] = checksum >>> 8
  bytes[at + 4] = checksum
}

/** The state in a record, or why it cannot be trusted. The bytes are a view of the record's. */
export const open = (address: string, record: Uint8Array): Result.Result<Uint8Array, string> => {
  if (record.length < headerBytes) return Result.fail(`the record has ${record.length} bytes, fewer than its header`)
  if (record[0] !== version)
    return Result.fail(`the record is of version ${record[0]}, and this program reads version ${version}`)
  // A plain array, also when the record is a Buffer.
  const state = new Uint8Array(record.buffer, record.byteOffset + headerBytes, record.length - headerBytes)
  const stored = new DataView(record.buffer, record.byteOffset).getUint32(1)
  const actual = checksumOf(address, state)
  return stored === actual
    ? Result.succeed(state)
    : Result.fail(`its checksum is ${hex(actual)} and should be ${hex(stored)}`)
}

/** The stored checksum, for comparing two copies of a record. */
export const checksum = (record: Uint8Array): number =>
  record.length < headerBytes ? 0 : new DataView(record.buffer, record.byteOffset).getUint32(1)

// The text of an address is ASCII: what is not is percent-encoded.
const checksumOf = (address: string, state: Uint8Array): number => Crc32c.of(state, Crc32c.ofAscii(address))
const hex = (checksum: number): string => checksum.toString(16).padStart(8, "0")
