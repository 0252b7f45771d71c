/**
 * Looks over the structure of MessagePack bytes (https://github.com/msgpack/msgpack/blob/master/spec.md) before anything
 * is made of them.
 *
 * msgpackr recurses, so that nested bytes overflow its stack, and follows extensions that build cycles, classes and
 * regular expressions. This walk does not recurse, and lets through only what `Codec` writes.
 */
import { payloadContainersMax, payloadDepthMax } from "./Limits.ts"

const undefinedType = 0
/** MessagePack leaves 0 to 127 to applications; 116 is "t", which msgpackr uses for typed arrays too. */
export const typedArrayType = 116
/** -1 as an unsigned byte, defined by MessagePack. */
const timestampType = 255
/** Bytes of float 32, float 64, uint 8 to 64, int 8 to 64. */
const numberBytes = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8]
/** Values still to come at each open level. One for all calls, because a walk is not interrupted. */
const pending = new Float64Array(payloadDepthMax)

/**
 * Why the bytes behind the first `from` are not one complete MessagePack value of a kind that we write, within the limits; `undefined` when
 * they are. Does not look into strings, binaries and extensions. Linear in the number of bytes, allocates nothing.
 */
export const problemOf = (bytes: Uint8Array, from = 0): string | undefined => {
  const size = bytes.length
  let at = from
  let depth = 0
  let containers = 0
  const big = (width: number): number => {
    let value = 0
    for (let i = 0; i < width; i++) value = value * 256 + (bytes[at + i] ?? 0)
    at += width
    return value
  }
  do {
    if (at >= size) return "they end in the middle of a value"
    const token = bytes[at++]!
    let children = -1
    let skip = 0
    if (token <= 0x7f || token >= 0xe0) skip = 0
    else if (token <= 0x8f) children = 2 * (token & 0x0f)
    else if (token <= 0x9f) children = token & 0x0f
    else if (token <= 0xbf) skip = token & 0x1f
    else if (token === 0xc1) return "the byte c1 is never used"
    else if (token <= 0xc3) skip = 0
    else if (token <= 0xc6) skip = big(1 << (token - 0xc4))
    else if (token <= 0xc9) skip = big(1 << (token - 0xc7)) + 1
    else if (token <= 0xd3) skip = numberBytes[token - 0xca]!
    else if (token <= 0xd8) skip = (1 << (token - 0xd4)) + 1
    else if (token <= 0xdb) skip = big(1 << (token - 0xd9))
    else children = token <= 0xdd ? big(2 << (token - 0xdc)) : 2 * big(2 << (token - 0xde))

    if ((token >= 0xc7 && token <= 0xc9) || (token >= 0xd4 && token <= 0xd8)) {
      const type = bytes[at] ?? -1
      if (type !== undefinedType && type !== timestampType && type !== typedArrayType) {
        return `the extension type ${type} is unknown`
      }
    }
    at += skip
    if (at > size || children > size - at) return "they end in the middle of a value"
    if (children >= 0 && ++containers > payloadContainersMax) {
      return `they hold more than ${payloadContainersMax} arrays and maps`
    }
    if (children > 0) {
      if (depth === payloadDepthMax) return `they are nested deeper than ${payloadDepthMax}`
      pending[depth++] = children
      continue
    }
    while (depth > 0 && --pending[depth - 1]! === 0) depth--
  } while (depth > 0)
  return at === size ? undefined : `${size - at} bytes follow after the value`
}
