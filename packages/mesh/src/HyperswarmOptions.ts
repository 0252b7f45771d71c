/** Settings that all transports over Hyperswarm share. */
import type { KeyPair } from "@continuum/core/Identity"
import * as Limits from "./Limits.ts"

export interface HyperswarmOptions {
  /** The node's key: peers dial it, and the handshake proves it. */
  readonly keyPair: KeyPair
  /** IPv4 address to bind. Default `127.0.0.1`: reachable on this machine only. `0.0.0.0` is every interface. */
  readonly host?: string
  /** UDP port; any free one where it is taken. Default 0: any free one. */
  readonly port?: number
  /** DHT nodes to join by, as `host:port`. Default none: this node is the root of a DHT, contacts nobody, and others can join by it. */
  readonly bootstrap?: ReadonlyArray<string>
  /**
   * No firewall is between this node and its peers, so that no hole needs punching. Default: true on loopback and for the
   * root of a DHT; otherwise Hyperswarm finds out by itself.
   */
  readonly reachable?: boolean
  /**
   * Milliseconds without a byte after which a connection is lost; its own signs of life go out four times as often, so peers need about
   * the same. Default `Limits.silenceMsMax`.
   */
  readonly silenceMsMax?: number
}

/** The same with every default filled in. */
export type Settings = Required<HyperswarmOptions>

export const settingsOf = (options: HyperswarmOptions): Settings => {
  const { bootstrap = [], host = "127.0.0.1", keyPair, port = 0, silenceMsMax = Limits.silenceMsMax } = options
  const reachable = options.reachable ?? (host.startsWith("127.") || bootstrap.length === 0)
  return { keyPair, host, port, bootstrap, reachable, silenceMsMax }
}

/** How often a connection that is otherwise silent gives a sign of life: four times before it is taken for lost. */
export const keepAliveMsOf = ({ silenceMsMax }: Settings): number => silenceMsMax / 4

/** `host:port` in parts. Throws `RangeError` on anything else: addresses of users are checked before they come here. */
export const parseAddress = (address: string): { readonly host: string; readonly port: number } => {
  const [, host = "", port = ""] = /^([^:]+):(\d{1,5})$/.exec(address) ?? []
  if (host === "" || Number(port) < 1 || Number(port) > 65_535) {
    throw new RangeError(`"${address}" is no address of a DHT node: it must be host:port, such as 127.0.0.1:49737`)
  }
  return { host, port: Number(port) }
}
