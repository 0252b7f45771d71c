export type Kind =
  | "config"
  | "join"
  | "leave"
  | "dial"
  | "hangUp"
  | "contact"
  | "write"
  | "end"
  | "destroy"
  | "taken"
  | "ping"
  | "stop"
  | "token"
  | "bound"
  | "ready"
  | "failed"
  | "opened"
  | "received"
  | "closed"
  | "dialFailed"
  | "contacted"
  | "contactFailed"
  | "pong"

export function encode(kind: Kind, id: number, payload?: Uint8Array): Uint8Array
export function decoder(
  payloadBytesMax: number,
  onFrame: (kind: Kind, id: number, payload: Uint8Array) => void
): (chunk: Uint8Array) => void
export function writer(write: (bytes: Uint8Array) => void): (frame: Uint8Array) => void
