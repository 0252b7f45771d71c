import type { Swarm, SwarmEvents } from "@continuum/core/Swarm"

interface Address {
  readonly host: string
  readonly port: number
}

interface Options {
  /** 32 bytes: the Ed25519 seed of the node key. */
  readonly seed: Uint8Array
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly bootstrap: ReadonlyArray<Address>
  /** No firewall is between this node and those who know its address. */
  readonly reachable: boolean
  readonly keepAliveMs: number
  readonly silenceMsMax: number
  readonly connectionsMax: number
}

declare class HyperswarmNode implements Swarm {
  constructor(options: Options, events: Omit<SwarmEvents, "down">)
  start(): Promise<void>
  stop(): Promise<void>
  join(topic: Uint8Array): void
  leave(topic: Uint8Array): void
  dial(peer: Uint8Array, address?: string): void
  hangUp(peer: Uint8Array): void
  contact(address: string): void
  write(id: number, bytes: Uint8Array): void
  end(id: number): void
  destroy(id: number): void
}

export = HyperswarmNode
