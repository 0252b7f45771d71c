/**
 * The settings of a node. Each can come as a flag, as `CONTINUUM_<FLAG>`, or from `<home>/continuum.toml`, in this
 * order of precedence; otherwise its default holds. A setting that cannot be used is refused before anything starts.
 */
import * as ByteSize from "effect/ByteSize"
import { Context, Effect, FileSystem, Option, Path, Schema } from "effect"
import * as Toml from "effect/encoding/Toml"
import type { ConfigEntry } from "@continuum/core/rpc"
import { batchRowsMax } from "@continuum/genome/Limits"
import { languages } from "@continuum/runtime-wasm/compile/Compiler"
import { hostname, homedir } from "node:os"
import * as OsError from "./OsError.ts"

/** A setting has a value that cannot be used. */
export class SettingInvalid extends Schema.TaggedError<SettingInvalid>()("SettingInvalid", {
  /** Such as `--port`, `CONTINUUM_PORT` or `port in /home/me/.continuum/continuum.toml`. */
  where: Schema.String,
  value: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.where} is "${this.value}": ${this.reason}`
  }
}

/** The settings file cannot be read, or holds something that is no setting. */
export class SettingsFileInvalid extends Schema.TaggedError<SettingsFileInvalid>()("SettingsFileInvalid", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.reason}`
  }
}

export interface Settings {
  /** Absolute path of the data folder. */
  readonly home: string
  /** TCP port, 0 to 65535; 0 takes any free one. */
  readonly port: number
  /** Address to listen on. */
  readonly host: string
  /** Whether `/v1` and `/api` may be used on loopback without a key. */
  readonly keyless: boolean
  readonly name: string
  readonly offline: boolean
  /** `host:port` of nodes to find the mesh by; empty: this node begins one of its own. */
  readonly bootstrap: ReadonlyArray<string>
  /** Which runtime carries Hyperswarm where it cannot be loaded in process; `auto` takes the best that is there. */
  readonly sidecar: "auto" | "bare" | "node"
  /** Languages to compile, out of those whose toolchain was found; `undefined` takes all of them. */
  readonly languages: ReadonlyArray<string> | undefined
  /** Folder of the base model; `undefined` takes the tiny one that comes with the node. */
  readonly model: string | undefined
  /** Answers of personas at once; more wait. */
  readonly turns: number
  /** Budget for code of modules that is kept ready to run, in bytes. */
  readonly memoryBytesMax: number
  /** Where spans of messages are sent, by OTLP over HTTP with JSON; `undefined`: there are none. */
  readonly otlp: string | undefined
  /** Share of the messages without a trace that begin one, 0 to 1. */
  readonly spanRatio: number
  readonly logLevel: "Trace" | "Debug" | "Info" | "Warn" | "Error"
  readonly logFormat: "pretty" | "json"
}

export class NodeConfig extends Context.Service<
  NodeConfig,
  {
    readonly settings: Settings
    /** The same with the source of each, for `config`. */
    readonly entries: ReadonlyArray<ConfigEntry>
  }
>()("@continuum/node/NodeConfig") {}

/** What a setting is: its default as text, what it means, and how its text is read. */
interface Definition<A> {
  readonly fallback: () => string
  /** How help writes its value; absent for a switch. */
  readonly metavar?: string
  readonly description: string
  /** The value, or what would be right. */
  readonly read: (text: string) => { readonly value: A } | string
}

interface Definitions {
  readonly home: Definition<string>
  readonly port: Definition<number>
  readonly host: Definition<string>
  readonly keyless: Definition<boolean>
  readonly name: Definition<string>
  readonly offline: Definition<boolean>
  readonly bootstrap: Definition<ReadonlyArray<string>>
  readonly sidecar: Definition<Settings["sidecar"]>
  readonly languages: Definition<ReadonlyArray<string> | undefined>
  readonly model: Definition<string | undefined>
  readonly turns: Definition<number>
  readonly "max-memory": Definition<number>
  readonly otlp: Definition<string | undefined>
  readonly "span-ratio": Definition<number>
  readonly "log-level": Definition<Settings["logLevel"]>
  readonly "log-format": Definition<Settings["logFormat"]>
}

const oneOf =
  <const A extends string>(...choices: ReadonlyArray<A>) =>
  (text: string) =>
    choices.includes(text as A) ? { value: text as A } : `it must be ${choices.join(" or ")}`

const list = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "")

/** An IPv4 address or a host name, and a port: what Hyperswarm takes. */
export const isHostPort = (text: string): boolean => {
  const [, port] = /^[A-Za-z0-9._-]+:(\d{1,5})$/.exec(text) ?? []
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535
}

const namePattern = /^[a-z0-9][a-z0-9-]{0,62}$/
const megabyte = 1_000_000

/** In the order in which help shows them. */
export const definitions: Definitions = {
  home: {
    fallback: () => `${homedir()}/.continuum`,
    metavar: "DIR",
    description: "data folder: identity, key, state, content, logs",
    read: (text) => (text === "" ? "it must name a folder" : { value: text })
  },
  port: {
    fallback: () => "3000",
    metavar: "N",
    description: "port of HTTP and RPC; 0 takes any free one",
    read: (text) => {
      const port = Number(text)
      return /^\d{1,5}$/.test(text) && port <= 65_535 ? { value: port } : "it must be a number from 0 to 65535"
    }
  },
  host: {
    fallback: () => "127.0.0.1",
    metavar: "ADDRESS",
    description: "address to listen on; anything but loopback asks every client for the key",
    read: (text) => (/^[A-Za-z0-9.:_-]+$/.test(text) ? { value: text } : "it must be an IP address or a host name")
  },
  keyless: {
    fallback: () => "on",
    metavar: "on|off",
    description: "may /v1 and /api be used on loopback without a key",
    read: (text) => {
      const chosen = oneOf("on", "off")(text)
      return typeof chosen === "string" ? chosen : { value: chosen.value === "on" }
    }
  },
  name: {
    fallback: () => defaultName(),
    metavar: "NAME",
    description: "name of this node",
    read: (text) => (namePattern.test(text) ? { value: text } : "it must be a-z, 0-9 and -, at most 63 characters")
  },
  offline: {
    fallback: () => "off",
    description: "open no connection to other nodes",
    read: (text) => {
      const chosen = oneOf("on", "off")(text)
      return typeof chosen === "string" ? chosen : { value: chosen.value === "on" }
    }
  },
  bootstrap: {
    fallback: () => "",
    metavar: "HOST:PORT,...",
    description: "nodes to find others by, each as the host:port of its URL (default: none)",
    read: (text) => {
      const addresses = list(text)
      const wrong = addresses.find((address) => !isHostPort(address))
      return wrong === undefined ? { value: addresses } : `"${wrong}" is not host:port, such as 192.168.1.20:3000`
    }
  },
  sidecar: {
    fallback: () => "auto",
    metavar: "auto|bare|node",
    description: "what runs Hyperswarm beside a node on Bun or Deno",
    read: oneOf("auto", "bare", "node")
  },
  languages: {
    fallback: () => "",
    metavar: "js,wat,...",
    description: "languages to compile (default: every one whose toolchain is found)",
    read: (text) => {
      const names = list(text)
      const unknown = names.find((name) => !(languages as ReadonlyArray<string>).includes(name))
      return unknown === undefined
        ? { value: names.length === 0 ? undefined : names }
        : `"${unknown}" is none of ${languages.join(", ")}`
    }
  },
  model: {
    fallback: () => "",
    metavar: "DIR",
    description: "folder of a Llama with bytes as tokens, as Hugging Face has it (default: the tiny model)",
    read: (text) => ({ value: text === "" ? undefined : text })
  },
  turns: {
    fallback: () => String(batchRowsMax),
    metavar: "N",
    description: "answers of personas at once; more wait, and the best is next",
    read: (text) =>
      /^\d{1,4}$/.test(text) && Number(text) >= 1 ? { value: Number(text) } : "it must be a whole number from 1 to 9999"
  },
  "max-memory": {
    fallback: () => "1GB",
    metavar: "1GB",
    description: "memory for code that is kept ready to run",
    read: (text) => {
      const bytes = Option.flatMap(ByteSize.fromString(text), ByteSize.toNumber)
      return Option.match(bytes, {
        onNone: () => "it must be a size such as 512MB or 1GB",
        onSome: (value) => (value >= 64 * megabyte ? { value } : "it must be at least 64MB")
      })
    }
  },
  otlp: {
    fallback: () => "",
    metavar: "URL",
    description: "where to send spans of messages, such as http://127.0.0.1:4318/v1/traces (default: none are made)",
    read: (text) => {
      if (text === "") return { value: undefined }
      return /^https?:/.test(text) && URL.canParse(text) ? { value: text } : "it must be an http or https URL"
    }
  },
  "span-ratio": {
    fallback: () => "0.01",
    metavar: "0..1",
    description: "share of messages and requests that begin a trace",
    read: (text) => {
      const ratio = Number(text)
      return text !== "" && ratio >= 0 && ratio <= 1 ? { value: ratio } : "it must be a number from 0 to 1"
    }
  },
  "log-level": {
    fallback: () => "info",
    metavar: "trace|debug|info|warn|error",
    description: "least important messages to log",
    read: (text) => {
      const chosen = oneOf("trace", "debug", "info", "warn", "error")(text)
      return typeof chosen === "string" ? chosen : { value: levels[chosen.value] }
    }
  },
  "log-format": {
    fallback: () => "pretty",
    metavar: "pretty|json",
    description: "for people, or one JSON document a line",
    read: oneOf("pretty", "json")
  } satisfies Definition<Settings["logFormat"]>
}

export type SettingName = keyof Definitions
export const settingNames = Object.keys(definitions) as ReadonlyArray<SettingName>

const levels = { trace: "Trace", debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const

/** The host's name, made fit to be a node's. */
const defaultName = () => {
  const name = hostname()
    .toLowerCase()
    .replace(/\..*$/, "")
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 63)
  return name === "" ? "node" : name
}

const environmentName = (name: SettingName) => `CONTINUUM_${name.toUpperCase().replaceAll("-", "_")}`

/**
 * Reads all sources. `flags` holds what was given on the command line.
 * Fails with `SettingInvalid` or `SettingsFileInvalid`, naming the source and what would be right.
 */
export const load = Effect.fn("NodeConfig.load")(function* (
  flags: Partial<Record<SettingName, string>>,
  environment: Record<string, string | undefined>
) {
  const path = yield* Path.Path
  const pick = (name: SettingName, file: Readonly<Record<string, unknown>>, filePath: string) => {
    const variable = environmentName(name)
    const fromFlag = flags[name]
    if (fromFlag !== undefined) return { text: fromFlag, source: "flag" as const, where: `--${name}` }
    const fromEnvironment = environment[variable]
    if (fromEnvironment !== undefined && fromEnvironment !== "") {
      return { text: fromEnvironment, source: "environment" as const, where: variable }
    }
    const fromFile = file[name]
    if (fromFile !== undefined) {
      return { text: textOf(fromFile), source: "file" as const, where: `${name} in ${filePath}` }
    }
    return { text: definitions[name].fallback(), source: "default" as const, where: `the default of --${name}` }
  }

  const entries: Array<ConfigEntry> = []
  const read = Effect.fnUntraced(function* <Name extends SettingName>(
    name: Name,
    file: Readonly<Record<string, unknown>>,
    filePath: string
  ) {
    const { text, source, where } = pick(name, file, filePath)
    const result = definitions[name].read(text) as { readonly value: ValueOf<Name> } | string
    if (typeof result === "string") return yield* new SettingInvalid({ where, value: text, reason: result })
    entries.push({ name, value: text, source })
    return result.value
  })

  const home = path.resolve(yield* read("home", {}, ""))
  const filePath = path.join(home, "continuum.toml")
  const file = yield* readFile(filePath)
  const absolute = (folder: string | undefined) => (folder === undefined ? undefined : path.resolve(folder))
  const settings: Settings = {
    home,
    port: yield* read("port", file, filePath),
    host: yield* read("host", file, filePath),
    keyless: yield* read("keyless", file, filePath),
    name: yield* read("name", file, filePath),
    offline: yield* read("offline", file, filePath),
    bootstrap: yield* read("bootstrap", file, filePath),
    sidecar: yield* read("sidecar", file, filePath),
    languages: yield* read("languages", file, filePath),
    model: absolute(yield* read("model", file, filePath)),
    turns: yield* read("turns", file, filePath),
    memoryBytesMax: yield* read("max-memory", file, filePath),
    otlp: yield* read("otlp", file, filePath),
    spanRatio: yield* read("span-ratio", file, filePath),
    logLevel: yield* read("log-level", file, filePath),
    logFormat: yield* read("log-format", file, filePath)
  }
  return { settings, entries }
})

type ValueOf<Name extends SettingName> = Definitions[Name] extends Definition<infer A> ? A : never

/** The settings file as a record; empty when there is none. */
const readFile = Effect.fnUntraced(function* (filePath: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* fs.readFileString(filePath).pipe(
    Effect.catchTag("PlatformError", (error) =>
      // A home that is no folder is refused where the home is made, with a better message.
      error.reason._tag === "NotFound" || OsError.codeOf(error) === "ENOTDIR"
        ? Effect.succeed("")
        : Effect.fail(new SettingsFileInvalid({ path: filePath, reason: OsError.describe(error) }))
    )
  )
  const file = yield* Effect.fromResult(Toml.parse(text)).pipe(
    Effect.mapError((error) => new SettingsFileInvalid({ path: filePath, reason: error.message }))
  )
  for (const name of Object.keys(file)) {
    if (name === "home") {
      return yield* new SettingsFileInvalid({ path: filePath, reason: '"home" cannot be set inside the home itself' })
    }
    if (!settingNames.includes(name as SettingName)) {
      return yield* new SettingsFileInvalid({
        path: filePath,
        reason: `"${name}" is not a setting; the settings are ${settingNames.filter((known) => known !== "home").join(", ")}`
      })
    }
  }
  return file
})

const textOf = (value: unknown): string => {
  if (Array.isArray(value)) return value.join(",")
  if (typeof value === "boolean") return value ? "on" : "off"
  return String(value)
}
