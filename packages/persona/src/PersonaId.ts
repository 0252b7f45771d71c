/**
 * The id of a persona as a process of the ThoughtStream: a UUID that is the same on every node and at every start.
 */
import * as ContentId from "@continuum/core/ContentId"

/** UUID of version 8, which is for whatever one makes oneself (RFC 9562, 5.8): of the BLAKE3 hash of the name in full. */
export const of = (name: string): string => {
  const hex = ContentId.of(`persona/${name}`)
  // 8, 9, a or b: the variant of all UUIDs.
  const variant = "89ab"[Number.parseInt(hex[16]!, 16) % 4]
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32)
  ].join("-")
}
