/**
 * Bytes as tokens: a text's tokens are its UTF-8 bytes, 0 to 255; above are marks that no text can contain. So any text
 * has tokens, and nothing that a person writes can be taken for a mark.
 *
 * A conversation is the start mark, then each turn behind the mark of its role, an answer with the end mark behind it; a
 * prompt ends with the mark of the assistant, whose turn it is.
 */
import type { Turn } from "../backend/Backend.ts"

export const marks = { start: 256, end: 257, pad: 258, system: 259, user: 260, assistant: 261 } as const

/** How the marks are written in the files of Hugging Face. */
export const markTexts: { readonly [Name in keyof typeof marks]: string } = {
  start: "<|start|>",
  end: "<|end|>",
  pad: "<|pad|>",
  system: "<|system|>",
  user: "<|user|>",
  assistant: "<|assistant|>"
}

/** Tokens there are; a multiple of 8, with two that are not used. */
export const vocabularySize = 264

/** Whether an answer ends before this token: every mark ends it. */
export const endsAnswer = (token: number): boolean => token >= marks.start

export const encodeText = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The prompt after which the model answers these turns. */
export const encodePrompt = (turns: ReadonlyArray<Turn>): Array<number> => {
  const tokens: Array<number> = [marks.start]
  for (const { role, content } of turns) {
    tokens.push(marks[role])
    for (const byte of encodeText(content)) tokens.push(byte)
    if (role === "assistant") tokens.push(marks.end)
  }
  tokens.push(marks.assistant)
  return tokens
}

/**
 * Text of tokens that come one by one: whole characters as soon as they are whole. What is no UTF-8 becomes U+FFFD, as in
 * browsers; marks have no text.
 */
export const makeDecoder = (): { readonly push: (tokens: Iterable<number>) => string; readonly end: () => string } => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  return {
    push: (tokens) =>
      decoder.decode(Uint8Array.from([...tokens].filter((token) => token < marks.start)), { stream: true }),
    end: () => decoder.decode()
  }
}

/** The text of all of them. */
export const decodeTokens = (tokens: Iterable<number>): string => {
  const decoder = makeDecoder()
  return decoder.push(tokens) + decoder.end()
}
