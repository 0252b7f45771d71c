/**
 * What a trainer and its process say to each other. Types only: both ends are this program.
 */
import type { LlamaConfig } from "../model/LlamaConfig.ts"
import type { Options } from "./TrainingGraph.ts"

/** Sequences of one length, row after row. */
export interface Batch {
  /** Token ids, batch * sequence. */
  readonly tokens: Int32Array
  /** The token that should follow each. */
  readonly targets: Int32Array
  /** 1 where the answer counts, else 0. */
  readonly counts: Uint8Array
}

export type NamedNumbers = { readonly [name: string]: Float32Array }

/** Where a training is: all that the next step depends on, besides its batch and rate. */
export interface TrainerState {
  /** Steps that the optimiser has made. */
  readonly steps: number
  readonly parameters: NamedNumbers
  /** The optimiser's moments by parameter; empty before the first step. */
  readonly means: NamedNumbers
  readonly squares: NamedNumbers
}

export type Request =
  | {
      readonly _tag: "Open"
      readonly config: LlamaConfig
      readonly options: Options
      /** Of the base; empty when it is trained itself. */
      readonly weights: NamedNumbers
      /** What is trained, or measured with. */
      readonly parameters: NamedNumbers
      readonly threads: number
    }
  | { readonly _tag: "Step"; readonly batch: Batch; readonly rate: number }
  | { readonly _tag: "Gradients"; readonly batch: Batch }
  | { readonly _tag: "Measure"; readonly batch: Batch }
  | { readonly _tag: "Replace"; readonly parameters: NamedNumbers }
  | { readonly _tag: "Parameters" }
  | { readonly _tag: "Save" }
  | { readonly _tag: "Restore"; readonly state: TrainerState }

export type Answer =
  | { readonly _tag: "Opened" }
  | { readonly _tag: "Stepped"; readonly loss: number }
  | { readonly _tag: "Gradients"; readonly loss: number; readonly gradients: NamedNumbers }
  | { readonly _tag: "Measured"; readonly loss: number; readonly predicted: Int32Array }
  | { readonly _tag: "Replaced" }
  | { readonly _tag: "Parameters"; readonly parameters: NamedNumbers }
  | { readonly _tag: "Saved"; readonly state: TrainerState }
  | { readonly _tag: "Restored" }
  | { readonly _tag: "Failed"; readonly reason: string }
