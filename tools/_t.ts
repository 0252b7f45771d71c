import { Effect } from "effect"
import { NodeServices } from "@effect/platform-node"
import * as TinyBuild from "../packages/genome/src/train/tiny/TinyBuild.ts"
for (const [baseSteps, seed] of [[120, 1], [120, 2], [120, 3]] as const) {
  const t = performance.now()
  const { report } = await Effect.runPromise(Effect.scoped(TinyBuild.build({ seed, baseSteps, layerSteps: { ...TinyBuild.full.layerSteps, brackets: 100, dates: 80 }, domains: ["brackets", "dates"], examples: 60 })).pipe(Effect.provide(NodeServices.layer)))
  console.log(baseSteps, seed, JSON.stringify(report.accuracy), ((performance.now() - t) / 1000).toFixed(0), "s")
}
