/** What two connected nodes have to do here. */
import { check, measure } from "../Measure.ts"

/** A connection, seen from the node that dialled. */
export interface Subject {
  /** Sends bytes that come back; resolves with how many came. */
  readonly echo: (bytes: Uint8Array) => Promise<number>
  /** Sends so many chunks; resolves with how many bytes the other node counted. */
  readonly bulk: (chunk: Uint8Array, count: number) => Promise<number>
}

const chunkBytes = 64 * 1024
const chunks = 64
export const bulkBytes = chunkBytes * chunks

export const runSubject = async ({ bulk, echo }: Subject): Promise<void> => {
  const small = new Uint8Array(64).fill(1)
  await measure("echo", async (operations) => {
    for (let i = 0; i < operations; i++) check("The bytes of an echo", await echo(small), small.length)
  })
  const chunk = new Uint8Array(chunkBytes).fill(7)
  await measure("bulk", async (operations) => {
    for (let i = 0; i < operations; i++) check("The bytes that arrived", await bulk(chunk, chunks), bulkBytes)
  })
}

/** The echo again, under the name of what it is compared with: an ask, for a peer that knows none. */
export const runAsAsks = async ({ echo }: Subject): Promise<void> => {
  const small = new Uint8Array(64).fill(1)
  await measure("ask", async (operations) => {
    for (let i = 0; i < operations; i++) check("The bytes of an echo", await echo(small), small.length)
  })
}
