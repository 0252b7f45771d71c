/**
 * What the embedded backend and its engine process say to each other. Types only: both ends are this program.
 */
import type { ContentId } from "@continuum/core/ContentId"
import type { Matrix } from "../Composition.ts"
import type { LlamaConfig } from "../model/LlamaConfig.ts"
import type { Sampling } from "./Backend.ts"

export type ToEngine =
  | {
      readonly _tag: "Open"
      readonly config: LlamaConfig
      /** Path of `model.safetensors`. */
      readonly weightsFile: string
      /** Its content id, where it is known. */
      readonly contentId?: ContentId
      readonly threads: number
      readonly batchRowsMax: number
    }
  | { readonly _tag: "Load"; readonly contentId: ContentId; readonly matrix: Matrix }
  | { readonly _tag: "Unload"; readonly contentId: ContentId }
  | {
      readonly _tag: "Start"
      readonly id: number
      readonly prompt: Uint16Array
      readonly layers: ReadonlyArray<{ readonly contentId: ContentId; readonly weight: number }>
      readonly sampling: Sampling
      readonly tokensMax: number
      readonly priority: number
    }
  | { readonly _tag: "Cancel"; readonly id: number }

export type FromEngine =
  | { readonly _tag: "Ready" }
  /** The model cannot be opened; the process ends. */
  | { readonly _tag: "Damaged"; readonly file: string; readonly tensor?: string; readonly reason: string }
  /** The request is in the batcher; so many tokens of its prompt need not be computed. */
  | { readonly _tag: "Started"; readonly id: number; readonly cachedTokens: number }
  /** What came of one step, for all rows. */
  | {
      readonly _tag: "Stepped"
      readonly tokens: ReadonlyArray<readonly [id: number, token: number]>
      readonly ends: ReadonlyArray<readonly [id: number, reason: "stop" | "length"]>
    }
