/**
 * Metrics as text in the format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). Units are base
 * units (seconds, bytes), as `promtool check metrics` asks.
 */

/** One metric: a name with its unit, what it means, and its values. */
export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: "counter" | "gauge" | "histogram"
  readonly samples: ReadonlyArray<Sample>
}

/** One value of a metric. Labels tell the values of one metric apart; the lines of a histogram have a suffix, too. */
export interface Sample {
  readonly suffix?: "_bucket" | "_sum" | "_count"
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

export const gauge = (name: string, help: string, value: number): Metric => ({
  name,
  help,
  type: "gauge",
  samples: [{ value }]
})
export const counter = (name: string, help: string, value: number): Metric => ({
  name,
  help,
  type: "counter",
  samples: [{ value }]
})

/** The text of some metrics. */
export const exposition = (metrics: ReadonlyArray<Metric>): string =>
  metrics
    .map(({ name, help, type, samples }) => {
      const lines = samples.map(
        ({ labels = {}, suffix = "", value }) => `${name}${suffix}${labelText(labels)} ${number(value)}\n`
      )
      return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${lines.join("")}`
    })
    .join("")

const labelText = (labels: Readonly<Record<string, string>>): string => {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`)
  return all.length === 0 ? "" : `{${all.join(",")}}`
}

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")

const number = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf"
