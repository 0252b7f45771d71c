/** How the demo looks on a terminal: steps, commands, answers, and what was expected and came true. */

const colours = process.stdout.isTTY && process.env.NO_COLOR === undefined
export const paint = (code: number, text: string): string => (colours ? `\u001B[${code}m${text}\u001B[0m` : text)

let count = 0

export const step = (text: string): void => console.log(`\n${paint(1, `${++count}. ${text}`)}`)

export const note = (text: string): void => console.log(`  ${text}`)

/** Throws when it does not hold, which ends the demo. */
export const expect = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`That was not ${what}`)
  console.log(`  ${paint(32, "✓")} ${what}`)
}

export const command = (node: string, args: ReadonlyArray<string>): void => {
  const words = args.map((arg) => (/^[\w/.:=-]+$/.test(arg) ? arg : `'${arg}'`))
  console.log(paint(36, `  ${node} $ ./jtag ${words.join(" ")}`))
}

export const answer = (value: unknown): void => console.log(paint(90, `  ${JSON.stringify(value).slice(0, 200)}`))
