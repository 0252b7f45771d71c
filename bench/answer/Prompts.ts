/** Prompts that differ: one for each operation. */
export const dateOf = (i: number): string => {
  const digits = (value: number) => String(value).padStart(2, "0")
  return `date ${1900 + (i % 200)}-${digits(1 + (i % 12))}-${digits(1 + (i % 28))}`
}

/** How many are asked; the first ones warm up. */
export const asked = (quick: boolean) => (quick ? { warmUp: 1, measured: 1 } : { warmUp: 100, measured: 100 })
