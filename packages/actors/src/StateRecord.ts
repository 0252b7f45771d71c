/**
 * A stored state as bytes on a disk: version (1 byte), CRC-32C (4 bytes, big-endian), state.
 *
 * The checksum covers the address too, so that a sound record that a damaged index puts under another actor's address is
 * found as well.
 */
import { Result } from "effect"
import * as Crc32c from "./Crc32c.ts"
import type { RecordMemory } from "./RecordMemory.ts"

/** The version of the format. Another version is refused: it is not damage, but it cannot be read here. */
export const version = 1

/** Bytes before the state. */
export const headerBytes = 5

/** The record of an actor's state, in memory of its own or in some that it shares with other records. */
export const seal = (address: string, state: Uint8Array, memory?: RecordMemory): Uint8Array => {
  const length = headerBytes + state.length
  const record = memory === undefined ? new Uint8Array(length) : memory.take(length)
  const checksum = checksumOf(address, state)
  record.set(state, headerBytes)
  record[0] = version
  record[1] = checksum >>> 24
  record[2] = checksum >>> 16
  record[3] = checksum >>> 8
  record[4] = checksum
  return record
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
