/**
 * Colours of a terminal (SGR codes of ECMA-48), or none of them.
 */

export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
}

const sgr = (code: number) => (text: string) => (text === "" ? "" : `\u001b[${code}m${text}\u001b[0m`)
const same = (text: string) => text

export const colored: Style = { bold: sgr(1), dim: sgr(2), red: sgr(31), green: sgr(32), yellow: sgr(33) }
export const plain: Style = { bold: same, dim: same, red: same, green: same, yellow: same }
