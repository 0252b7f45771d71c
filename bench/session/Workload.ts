/** Requests of 64 bytes: one after the other, and 64 at a time. Each reply is checked. */
import { measure } from "../Measure.ts"

export const textLength = 64

/** `ask` sends a text and resolves with the reply. */
export const runEcho = async (ask: (text: string) => Promise<string>): Promise<void> => {
  const texts = Array.from({ length: 64 }, (_, i) => String(i).padEnd(textLength, "x"))
  const checked = async (text: string) => {
    const reply = await ask(text)
    if (reply !== text) throw new Error(`asked ${text}, got ${reply}`)
  }
  await measure("ask", async (operations) => {
    for (let i = 0; i < operations; i++) await checked(texts[i % texts.length]!)
  })
  await measure("ask64", async (operations) => {
    let left = operations
    const asker = async (text: string) => {
      while (left-- > 0) await checked(text)
    }
    await Promise.all(texts.map(asker))
  })
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Asks by plain messages that are answered in order: the bytes of a text there, and the same bytes back. */
export const inOrder = (send: (bytes: Uint8Array) => void) => {
  const waiting: Array<(text: string) => void> = []
  return {
    ask: (text: string) =>
      new Promise<string>((resolve) => {
        waiting.push(resolve)
        send(encoder.encode(text))
      }),
    reply: (bytes: Uint8Array) => waiting.shift()!(decoder.decode(bytes))
  }
}
