/**
 * What people type for a peer, before anybody is dialled: slips that are clear are told at once.
 */
import { networkInterfaces } from "node:os"

/** Why a text that is no name of a known peer can be none, when that is clear. */
export const slipOf = (text: string): string | undefined => {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return "its port is missing"
  if (!/^[a-z0-9]{40,64}$/.test(text)) return undefined
  return text.length === publicKeyLength
    ? "no public key reads like this, a character of it must be wrong"
    : `a public key has ${publicKeyLength} characters, and this has ${text.length}`
}

const publicKeyLength = 52

/** Whether `host:port` is where this machine itself listens. */
export const isOwnAddress = (hostPort: string, ownPort: number): boolean => {
  const [host, port] = hostPort.split(":")
  return (
    Number(port) === ownPort && (host === "localhost" || host!.startsWith("127.") || addressesHere().includes(host!))
  )
}

/** The IPv4 addresses at which other machines of its networks reach this one. */
export const addressesHere = (): ReadonlyArray<string> =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address)
