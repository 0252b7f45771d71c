/**
 * Text of others on a terminal or in a log: it must neither steer the terminal nor pretend to be a line of its own.
 */

/** Text with its control characters, and those that turn the direction of writing, made visible. Line breaks stay. */
export const printable = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    const code = character.charCodeAt(0)
    return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, "0")}`
  })

/** Every line but the first moved right, so that none of them looks like one of the writer. */
export const indentAfterFirst = (text: string, columns: number): string =>
  text.replaceAll("\n", `\n${" ".repeat(columns)}`)
