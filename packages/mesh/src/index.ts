export * as Channel from "./Channel.ts"
export * as Handshake from "./Handshake.ts"
export * as Limits from "./Limits.ts"
export * as Mux from "./Mux.ts"
