/**
 * The exit code of every error that a command can end with, so that scripts can tell them apart.
 *
 * A wrong line of the user is 2 where the line alone shows it; what only the node can judge (an address that nobody
 * answers to, an input that does not fit) is 1. The table is complete by its type: a new error does not compile.
 */
import type { NodeClientError } from "@continuum/core/NodeClientError"
import type { CliError as ParseError } from "effect/cli/CliError"
import type { CliError } from "./CliError.ts"
import type { CallError } from "./NodeCalls.ts"

export const done = 0
export const failed = 1
const wrongUsage = 2
const noNode = 3
const refused = 4
/** 128 + 2, the number of SIGINT, as shells have it. */
export const interrupted = 130

/** The tags of all errors: those that a call declares, those of the way to the node, and our own. */
export type ErrorTag = CallError["_tag"] | NodeClientError["_tag"] | CliError["_tag"] | ParseError["_tag"]

export const table: Readonly<Record<ErrorTag, number>> = {
  // The command line.
  UnrecognizedOption: wrongUsage,
  DuplicateOption: wrongUsage,
  MissingOption: wrongUsage,
  MissingArgument: wrongUsage,
  UnexpectedArgument: wrongUsage,
  InvalidValue: wrongUsage,
  UnknownSubcommand: wrongUsage,
  ValidationError: wrongUsage,
  ShowHelp: wrongUsage,
  UserError: failed,
  UsageWrong: wrongUsage,
  JsonMalformed: wrongUsage,
  UrlMalformed: wrongUsage,
  KeyMalformed: wrongUsage,
  AddressMalformed: wrongUsage,
  ContentIdMalformed: wrongUsage,
  BinaryToTerminal: wrongUsage,
  PermissionMissing: wrongUsage,
  FileUnreadable: failed,
  FileNotWritten: failed,
  OutputClosed: done,
  OutputFailed: failed,

  // The way to the node.
  NodeNotRunning: noNode,
  NodeUnreachable: noNode,
  NotANode: noNode,
  NodeSilent: noNode,
  NodeRefused: refused,
  KeyRefused: refused,
  CallTooLarge: failed,
  NodeConnectionLost: failed,
  NodeAnswerMalformed: failed,
  NodeFailed: failed,
  CallMalformed: failed,
  NodeStillRunning: failed,
  ChecksFailed: failed,

  // Actors.
  AddressUnknown: failed,
  MessageUnknown: failed,
  PayloadMalformed: failed,
  MailboxFull: failed,
  StreamsFull: failed,
  ActorFailed: failed,
  ActorStopped: failed,
  AskTimeout: failed,
  AskCycle: failed,
  StateNotStored: failed,
  LeaseUnavailable: failed,
  TooOld: failed,
  OutboxFull: failed,
  MigrationRefused: failed,
  StorageFailed: failed,
  ServiceKept: refused,
  HandlerFailed: failed,

  // The mesh.
  MeshOff: failed,
  PeerMalformed: wrongUsage,
  GrantNotStored: failed,
  PeerUnreachable: failed,
  TransportLost: failed,
  NotGranted: refused,
  NotExposed: refused,

  // Modules.
  SourceMalformed: failed,
  SourceRefused: refused,
  ModuleMalformed: failed,
  ModuleRefused: refused,
  LanguageUnavailable: refused,
  CompileFailed: failed,
  InputMalformed: failed,
  FuelExhausted: failed,
  RunTimeout: failed,
  MemoryExceeded: failed,
  RunFailed: failed,
  NodeBusy: failed,
  ContentUnknown: failed,
  ContentCorrupt: failed,
  ContentNotStored: failed,

  // Personas and the model.
  PersonaUnknown: failed,
  LayerNameUnknown: failed,
  PromptEmpty: failed,
  PromptTooLarge: failed,
  ConversationBusy: failed,
  ConversationElsewhere: failed,
  PersonaBusy: failed,
  AnswerTooLong: failed,
  TurnLost: failed,
  PromptTooLong: failed,
  RequestMalformed: failed,
  LayerUnknown: failed,
  LayerForOtherBase: failed,
  LayerUnfit: failed,
  WeightsDamaged: failed,
  BackendBusy: failed,
  BackendFailed: failed
}

/** The code of an error; 1 for one that this version does not know. */
export const of = (error: { readonly _tag: string }): number =>
  Object.hasOwn(table, error._tag) ? table[error._tag as ErrorTag] : failed
