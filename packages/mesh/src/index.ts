export * as Channel from "./Channel.ts"
export * as Limits from "./Limits.ts"
