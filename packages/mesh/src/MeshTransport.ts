/** The transport that fits the runtime: Hyperswarm in this process on Node, in a sidecar on Bun and Deno. */
import type { Transport } from "@continuum/core/Transport"
import type { Layer } from "effect"
import * as HyperswarmTransport from "./HyperswarmTransport.ts"
import * as SidecarTransport from "./SidecarTransport.ts"
import type { TransportUnavailable } from "./TransportUnavailable.ts"

/** Fails with `TransportUnavailable` when nothing can be started; `sidecar` asks for a sidecar on Node, too. */
export const layer = (options: SidecarTransport.SidecarOptions): Layer.Layer<Transport, TransportUnavailable> =>
  HyperswarmTransport.isPossible && options.sidecar === undefined
    ? HyperswarmTransport.layer(options)
    : SidecarTransport.layer(options)
