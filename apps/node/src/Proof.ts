/**
 * The node proves itself: it compiles a function, or finds it compiled, runs it, and looks at the answer. Every start
 * does it, and `doctor` again; always with the same function, so that it leaves one module behind and no more.
 */
import { Jit } from "@continuum/runtime-wasm/Jit"
import { Context, Effect, Layer } from "effect"

/** The same function in each language that is text, the first that this node compiles. */
const sources = [
  { lang: "js", source: "(n) => n * (n + 1) / 2" },
  {
    lang: "wat",
    source:
      "(module (func (param f64) (result f64) (f64.div (f64.mul (local.get 0) (f64.add (local.get 0) (f64.const 1))) (f64.const 2))))"
  }
]
const input = 8
const output = 36

type RunError = Effect.Error<ReturnType<Jit["Service"]["run"]>>

export class Proof extends Context.Service<
  Proof,
  Effect.Effect<{ readonly text: string; readonly holds: boolean }, RunError>
>()("@continuum/node/Proof") {}

export const layer = Layer.effect(
  Proof,
  Effect.map(Jit, (jit) => {
    const target = sources.find(({ lang }) => jit.languages.includes(lang))
    if (target === undefined) return Effect.succeed({ text: "nothing to prove: no language is set", holds: true })
    return Effect.map(jit.run({ target, input }), (answer) => ({
      text:
        `${target.source} of ${input} is ${JSON.stringify(answer.output)} ` +
        `(${answer.cache === "hit" ? "from the cache" : "compiled"}, tier ${answer.report.tier})`,
      holds: answer.output === output
    }))
  })
)
