/**
 * The program of a training process: keeps the parameters and the optimiser, takes batches, answers with losses.
 * One request at a time; an error is an answer.
 */
import { pause, receive, send } from "../backend/ParentProcess.ts"
import * as SessionOnnxRuntime from "../backend/SessionOnnxRuntime.ts"
import { encode } from "../onnx/OnnxFile.ts"
import * as AdamW from "./AdamW.ts"
import type { Answer, Batch, NamedNumbers, Request } from "./TrainerProtocol.ts"
import * as TrainingGraph from "./TrainingGraph.ts"

interface Training {
  readonly session: SessionOnnxRuntime.Session
  readonly shape: readonly [batch: number, sequence: number]
  readonly parameters: Map<string, { readonly data: Float32Array; readonly isMatrix: boolean }>
  readonly inputs: Record<string, ReturnType<typeof SessionOnnxRuntime.tensor>>
  optimiser: AdamW.State
}

let training: Training | undefined

const open = async ({ config, options, weights, parameters, threads }: Extract<Request, { _tag: "Open" }>) => {
  const graph = TrainingGraph.make(config, new Map(Object.entries(weights)), options)
  const session = await SessionOnnxRuntime.open(encode(graph), threads)
  const shapes = new Map(graph.inputs.map(({ name, shape }) => [name, shape as ReadonlyArray<number>]))
  training = {
    session,
    shape: [options.batch, options.sequence],
    parameters: new Map(
      Object.entries(parameters).map(([name, data]) => [name, { data, isMatrix: shapes.get(name)!.length > 1 }])
    ),
    inputs: Object.fromEntries(
      Object.entries(parameters).map(([name, data]) => [name, SessionOnnxRuntime.tensor(data, shapes.get(name)!)])
    ),
    optimiser: AdamW.make()
  }
}

const run = (
  { session, shape, inputs }: Training,
  { tokens, targets, counts }: Batch,
  outputs?: ReadonlyArray<string>
) =>
  session.run(
    {
      ...inputs,
      tokens: SessionOnnxRuntime.tensor(BigInt64Array.from(tokens, BigInt), shape),
      targets: SessionOnnxRuntime.tensor(BigInt64Array.from(targets, BigInt), [targets.length]),
      counts: SessionOnnxRuntime.tensor(Float32Array.from(counts), [counts.length])
    },
    outputs
  )

const answer = async (request: Request): Promise<Answer> => {
  if (request._tag === "Open") {
    await open(request)
    return { _tag: "Opened" }
  }
  if (training === undefined) throw new Error("nothing is open")
  const { parameters, optimiser } = training
  switch (request._tag) {
    case "Step": {
      const results = await run(training, request.batch)
      const loss = (results["loss"]!.data as Float32Array)[0]!
      if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}: take a smaller rate`)
      const gradientOf = (name: string) => results[TrainingGraph.gradientOutput(name)]!.data as Float32Array
      AdamW.step(optimiser, parameters, gradientOf, request.rate)
      return { _tag: "Stepped", loss }
    }
    case "Gradients": {
      const results = await run(training, request.batch)
      const names = [...parameters.keys()]
      return {
        _tag: "Gradients",
        loss: (results["loss"]!.data as Float32Array)[0]!,
        gradients: Object.fromEntries(
          names.map((name) => [name, results[TrainingGraph.gradientOutput(name)]!.data as Float32Array])
        )
      }
    }
    case "Measure": {
      const results = await run(training, request.batch, ["loss", "predicted"])
      return {
        _tag: "Measured",
        loss: (results["loss"]!.data as Float32Array)[0]!,
        predicted: Int32Array.from(results["predicted"]!.data as BigInt64Array, Number)
      }
    }
    case "Replace": {
      replace(parameters, request.parameters)
      return { _tag: "Replaced" }
    }
    case "Parameters":
      return { _tag: "Parameters", parameters: numbersOf(parameters) }
    case "Save": {
      const { moments, steps } = optimiser
      const part = (which: keyof AdamW.Moments) =>
        Object.fromEntries(Array.from(moments, ([name, moment]) => [name, moment[which]]))
      return {
        _tag: "Saved",
        state: { steps, parameters: numbersOf(parameters), means: part("mean"), squares: part("square") }
      }
    }
    case "Restore": {
      const { means, squares, steps } = request.state
      replace(parameters, request.state.parameters)
      const moments = Object.entries(means).map(([name, mean]) => [name, { mean, square: squares[name]! }] as const)
      training.optimiser = AdamW.restore(steps, new Map(moments))
      return { _tag: "Restored" }
    }
  }
}

const numbersOf = (parameters: Training["parameters"]) =>
  Object.fromEntries(Array.from(parameters, ([name, { data }]) => [name, data]))

const replace = (parameters: Training["parameters"], numbers: NamedNumbers): void => {
  for (const [name, data] of Object.entries(numbers)) parameters.get(name)!.data.set(data)
}

let work = Promise.resolve()
receive((message) => {
  work = work.then(async () => {
    try {
      send(await answer(message as Request))
    } catch (error) {
      send({ _tag: "Failed", reason: error instanceof Error ? error.message : String(error) } satisfies Answer)
    }
    await pause()
  })
})
