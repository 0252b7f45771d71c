/** Random JavaScript functions within what the compiler covers, from a seed. */

/** Numbers in [0, 1) by Marsaglia's xorshift. */
export const randomOf = (seed: number) => {
  let state = Math.imul(seed, 0x9e3779b1) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** A function of two numbers, of an array of numbers, or of two strings. */
export const program = (seed: number): { readonly source: string; readonly sample: unknown } => {
  const random = randomOf(seed)
  const below = (count: number) => Math.floor(random() * count)
  const pick = <A>(...values: ReadonlyArray<A>): A => values[below(values.length)]!
  const shape = pick("numbers", "array", "strings")
  const numbers = shape === "numbers" ? ["a", "b"] : []
  const arrays = shape === "array" ? ["xs"] : []
  const strings = shape === "strings" ? ["s", "t"] : []
  let names = 0
  let loops = 0

  const number = (depth: number): string => {
    const one = () => number(depth - 1)
    const leaves = [() => pick("0", "1", "2", "(-1)", "0.5", "10", "3.25", "1e9"), ...numbers.map((name) => () => name)]
    if (arrays.length > 0) leaves.push(() => `${pick(...arrays)}.length`)
    if (strings.length > 0) leaves.push(() => `${pick(...strings)}.length`)
    if (depth <= 0) return pick(...leaves)()
    const branches = [
      ...leaves,
      () => `(${one()} ${pick("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", ">>>")} ${one()})`,
      () => `Math.${pick("abs", "floor", "ceil", "trunc", "round", "sqrt", "sign", "cbrt")}(${one()})`,
      () => `Math.${pick("min", "max")}(${one()}, ${one()})`,
      () => `(${condition(depth - 1)} ? ${one()} : ${one()})`,
      () => `(-${one()})`,
      () => `(${one()} ** 2)`
    ]
    if (arrays.length > 0) {
      branches.push(
        () => `${pick(...arrays)}[${one()}]`,
        () => `${pick(...arrays)}.reduce((p, q) => p ${pick("+", "*", "-")} q${pick("", " * 2")}, ${one()})`,
        () => `Math.${pick("min", "max")}(...${pick(...arrays)})`,
        () => `${pick(...arrays)}.indexOf(${one()})`
      )
    }
    if (strings.length > 0) {
      branches.push(
        () => `${string(depth - 1)}.charCodeAt(${one()})`,
        () => `${string(depth - 1)}.indexOf(${string(depth - 1)})`
      )
    }
    return pick(...branches)()
  }
  const condition = (depth: number): string => {
    const choices = [
      () => `${number(depth - 1)} ${pick("<", ">", "<=", ">=", "===", "!==")} ${number(depth - 1)}`,
      () => `!(${number(depth - 1)})`,
      () => `(${condition(depth - 1)} ${pick("&&", "||")} ${condition(depth - 1)})`
    ]
    if (arrays.length > 0) choices.push(() => `${pick(...arrays)}.${pick("some", "every")}(q => q > ${number(0)})`)
    if (strings.length > 0)
      choices.push(
        () => `${string(0)} ${pick("<", "===", ">=")} ${string(0)}`,
        () => `${string(0)}.includes(${string(0)})`
      )
    return depth <= 0 ? pick("true", "false", ...numbers.map((name) => `${name} > 1`)) : pick(...choices)()
  }
  const string = (depth: number): string => {
    const leaves = ['""', '"a"', '"-"', '"é"', ...strings].map((text) => () => text)
    if (depth <= 0) return pick(...leaves)()
    return pick(
      ...leaves,
      () => `(${string(depth - 1)} + ${string(depth - 1)})`,
      () => `${string(depth - 1)}.slice(${number(depth - 1)}, ${number(depth - 1)})`,
      () => `${string(depth - 1)}.charAt(${number(depth - 1)})`,
      () => `${string(depth - 1)}.split(${string(0)}).join(${string(0)})`,
      () => `\`<\${${string(depth - 1)}}>\``,
      () => `(${condition(depth - 1)} ? ${string(depth - 1)} : ${string(depth - 1)})`
    )()
  }
  const array = (depth: number): string =>
    pick(
      () => pick(...arrays),
      () => `${pick(...arrays)}.map((p, i) => p ${pick("+", "*")} i + ${number(depth - 1)})`,
      () => `${pick(...arrays)}.filter(p => p ${pick("<", ">")} ${number(depth - 1)})`,
      () => `${pick(...arrays)}.slice(${number(0)})`,
      () => `[${number(depth - 1)}, ${number(depth - 1)}]`
    )()

  const statements = (depth: number): string => {
    const [knownNumbers, knownArrays, knownStrings] = [[...numbers], [...arrays], [...strings]]
    const lines = Array.from({ length: 1 + below(3) }, () => statement(depth))
    numbers.splice(0, Infinity, ...knownNumbers)
    arrays.splice(0, Infinity, ...knownArrays)
    strings.splice(0, Infinity, ...knownStrings)
    return lines.join("\n")
  }
  const statement = (depth: number): string => {
    const choices = [
      () => {
        const line = `let n${names} = ${number(2)}`
        numbers.push(`n${names++}`)
        return line
      },
      () => (numbers.length > 0 ? `${pick(...numbers)} ${pick("=", "+=", "-=", "*=")} ${number(2)}` : ""),
      () =>
        depth > 0 ? `if (${condition(2)}) {\n${statements(depth - 1)}\n} else {\n${statements(depth - 1)}\n}` : "",
      () => {
        if (depth <= 0 || loops++ > 2) return ""
        const counter = `i${names++}`
        return `for (let ${counter} = 0; ${counter} < ${1 + below(5)}; ${counter}++) {\n${statements(depth - 1)}\n${pick("", `if (${condition(1)}) break`)}\n}`
      }
    ]
    if (arrays.length > 0) {
      choices.push(
        () => `${pick(...arrays)}.push(${number(1)})`,
        () => {
          const line = `const l${names} = ${array(2)}`
          arrays.push(`l${names++}`)
          return line
        },
        () =>
          loops++ > 2
            ? ""
            : `for (const e${names} of ${pick(...arrays)}.slice(0)) { if (e${names} > ${number(1)}) continue; ${numbers[0] ?? `e${names++}`} }`
      )
    }
    if (strings.length > 0) {
      choices.push(() => {
        const line = `let w${names} = ${string(2)}`
        strings.push(`w${names++}`)
        return line
      })
    }
    return pick(...choices)()
  }

  const body = Array.from({ length: 2 + below(4) }, () => statement(2)).join("\n")
  switch (shape) {
    case "numbers":
      return { source: `(a, b) => {\n${body}\nreturn ${number(3)}\n}`, sample: [1, 2] }
    case "array":
      return {
        source: `(xs) => {\n${body}\nreturn ${pick(
          () => number(3),
          () => array(2)
        )()}\n}`,
        sample: [1, 2]
      }
    default:
      return {
        source: `(s, t) => {\n${body}\nreturn ${pick(
          () => number(3),
          () => string(3)
        )()}\n}`,
        sample: ["a", "b"]
      }
  }
}
