/** Turns runs into Markdown: a section for each suite, with its targets and what came of them, medians and ratios. */
import type { Run } from "./Runner.ts"
import * as Statistics from "./Statistics.ts"
import { type Case, type Peer, type Runtime, runtimeLabels, sizes, type Suite, type Target } from "./Suite.ts"

/** The median over repetitions of one case, in the unit of the case. */
export interface Figure {
  readonly value: number
  /** Half the range of the repetitions, as a part of the median. */
  readonly spread: number
}

/** Figures of all runs of a suite. */
export const figureOf = (runs: ReadonlyArray<Run>, runtime: Runtime, peer: string, of: Case): Figure | undefined => {
  const times = runs
    .filter((run) => run.runtime === runtime && run.peer.id === peer)
    .flatMap((run) => run.report.samples.filter((sample) => sample.case === of.id))
    .map((sample) => (of.time === "cpu" ? sample.cpuNs : of.time === "wall" ? sample.wallNs : sample.bytes))
    .filter((time) => time !== undefined)
  if (times.length === 0) return undefined
  return { value: Statistics.median(times) / sizes[of.unit], spread: Statistics.spread(times) }
}

/** Ours divided by the peer's: below 1, ours takes less. */
export const ratioOf = (runs: ReadonlyArray<Run>, runtime: Runtime, peer: Peer, of: Case): number | undefined => {
  if (peer.against === undefined) return undefined
  const ours = figureOf(runs, runtime, peer.against, of)
  const theirs = figureOf(runs, runtime, peer.id, of)
  return ours === undefined || theirs === undefined ? undefined : ours.value / theirs.value
}

/** What came of a target: its worst value and where that was; undefined when nothing of it was measured. */
export const outcomeOf = (
  suite: Suite,
  target: Target,
  runs: ReadonlyArray<Run>
): { readonly met: boolean; readonly worst: number; readonly where: string } | undefined => {
  const peer = suite.peers.find(({ id }) => id === target.peer)
  if (peer === undefined) throw new Error(`A target of ${suite.id} names the peer ${target.peer}, which it has not`)
  let worst: { readonly value: number; readonly where: string } | undefined
  for (const of of suite.cases.filter(({ id }) => target.cases?.includes(id) ?? true)) {
    for (const runtime of suite.runtimes.filter((runtime) => target.runtimes?.includes(runtime) ?? true)) {
      const value =
        peer.against === undefined ? figureOf(runs, runtime, peer.id, of)?.value : ratioOf(runs, runtime, peer, of)
      if (value === undefined || (worst !== undefined && worst.value >= value)) continue
      worst = { value, where: `${of.label}, ${runtimeLabels[runtime]}` }
    }
  }
  return worst === undefined ? undefined : { met: worst.value <= target.max, worst: worst.value, where: worst.where }
}

/** Everything about one suite. `origin` says in one line on which machine and by which command it was measured. */
export const sectionOf = (suite: Suite, all: ReadonlyArray<Run>, origin: string): string => {
  const runs = all.filter((run) => run.suite === suite)
  const runtimes = suite.runtimes.filter((runtime) => runs.some((run) => run.runtime === runtime))
  const compares = suite.peers.some(({ against }) => against !== undefined)
  const head = ["", "", ...runtimes.flatMap((runtime) => [runtimeLabels[runtime], ...(compares ? ["ours ÷ it"] : [])])]
  const rows = suite.cases.flatMap((of) =>
    suite.peers
      .filter((peer) => runtimes.some((runtime) => figureOf(runs, runtime, peer.id, of) !== undefined))
      .map((peer, index) => [
        index === 0 ? `${of.label} (${of.unit}${of.time === "cpu" ? " of CPU" : ""})` : "",
        peer.against === undefined ? `**${peer.label}**` : peer.label,
        ...runtimes.flatMap((runtime) => {
          const ratio = ratioOf(runs, runtime, peer, of)
          const figure = textOf(figureOf(runs, runtime, peer.id, of))
          return compares
            ? [figure, ratio === undefined ? "" : ratio < 100 && ratio >= 0.1 ? ratio.toFixed(2) : significant(ratio)]
            : [figure]
        })
      ])
  )
  const align = head.map((_, column) => (column < 2 ? "---" : "---:"))
  const table = [head, align, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")
  const more = runtimes.flatMap((runtime) => {
    const details = runs.find((run) => run.runtime === runtime && run.report.details !== undefined)?.report.details
    if (details === undefined || suite.detailsText === undefined) return []
    const text = suite.detailsText(details)
    return [suite.runtimes.length === 1 ? text : `${runtimeLabels[runtime]}: ${text}`]
  })
  return [`## ${suite.title}`, suite.about, targetsOf(suite, runs), table, ...more, origin]
    .filter((part) => part !== "")
    .join("\n\n")
}

const targetsOf = (suite: Suite, runs: ReadonlyArray<Run>): string => {
  const rows = suite.targets.flatMap((target) => {
    const outcome = outcomeOf(suite, target, runs)
    if (outcome === undefined) return []
    const { met, where, worst } = outcome
    return [
      `| ${target.text} | ${significant(target.max)} | ${significant(worst)} (${where}) | ${met ? "met" : "**missed**"} |`
    ]
  })
  if (rows.length === 0) return ""
  return ["| target | at most | worst | |", "| --- | ---: | --- | --- |", ...rows].join("\n")
}

const head = `# Results of the benchmarks

Written by \`npm run bench\`, or a section of it by \`npm run bench -- --only SUITE\`; what is changed here by hand is lost
with the next run.

**How to read it.** Every figure is the median of the repetitions, each in a fresh process after a warm-up; ± is half the
range between the repetitions. The processes of all peers take turns, so that drift of the machine hits all alike. *ours ÷ it* is
our time divided by that of the row: below 1 ours takes less. CPU time counts all threads of the process, also those that compile
and collect garbage. Absolute times belong to this machine; ratios travel better. Every program checks its result, and the run
fails when one is wrong.`

/** The page with `sections` in it, in the order of `suites`; those of other suites stay as `before` has them. */
export const pageOf = (suites: ReadonlyArray<Suite>, sections: ReadonlyArray<string>, before = ""): string => {
  const bySuite = new Map<string, string>()
  for (const section of [...before.split(/^(?=## )/m).slice(1), ...sections]) {
    bySuite.set(/^## (.*)$/m.exec(section)![1]!, section.trimEnd())
  }
  return [head, ...suites.flatMap(({ title }) => bySuite.get(title) ?? [])].join("\n\n").concat("\n")
}

const textOf = (figure: Figure | undefined): string => {
  if (figure === undefined) return ""
  return `${significant(figure.value)} ± ${(figure.spread * 100).toFixed(0)} %`
}

/** Three significant digits, or all before the point. */
const significant = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toLocaleString("en", { maximumSignificantDigits: 3 })
