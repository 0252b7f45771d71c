/**
 * What can go wrong between a source text and its answer. `Refused` errors are policy: no retry will help.
 */
import { Schema } from "effect"

/** The source does not parse. `line` and `column` count from 1. */
export class SourceMalformed extends Schema.TaggedError<SourceMalformed>()("SourceMalformed", {
  lang: Schema.String,
  line: Schema.Int,
  column: Schema.Int,
  reason: Schema.String
}) {
  override get message() {
    return `The ${this.lang} source does not parse at line ${this.line}, column ${this.column}: ${this.reason}`
  }
}

/** The source asks for something that a function does not get, such as `process`, `require` or `fetch`. */
export class SourceRefused extends Schema.TaggedError<SourceRefused>()("SourceRefused", {
  name: Schema.String,
  line: Schema.Int,
  column: Schema.Int
}) {
  override get message() {
    return (
      `"${this.name}" at line ${this.line}, column ${this.column} is refused: ` +
      "a function gets its input and nothing else (no files, network, clock, randomness or modules)"
    )
  }
}

/** The binary is no valid WebAssembly module, or its manifest does not fit it. */
export class ModuleMalformed extends Schema.TaggedError<ModuleMalformed>()("ModuleMalformed", {
  reason: Schema.String
}) {
  override get message() {
    return `This is not a valid module: ${this.reason}`
  }
}

/** The binary is valid and not allowed here: an import, a feature, its size or its memory. */
export class ModuleRefused extends Schema.TaggedError<ModuleRefused>()("ModuleRefused", {
  reason: Schema.String
}) {
  override get message() {
    return `The module is refused: ${this.reason}`
  }
}

/** No compiler for this language is here. */
export class LanguageUnavailable extends Schema.TaggedError<LanguageUnavailable>()("LanguageUnavailable", {
  lang: Schema.String,
  available: Schema.Array(Schema.String)
}) {
  override get message() {
    return `This node does not compile "${this.lang}". It compiles: ${this.available.join(", ")}`
  }
}

/** The compiler gave up: its deadline passed, or it failed in a way that is no fault of the source. */
export class CompileFailed extends Schema.TaggedError<CompileFailed>()("CompileFailed", {
  lang: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `Compiling ${this.lang} failed: ${this.reason}`
  }
}

/** The input does not fit what the function takes. */
export class InputMalformed extends Schema.TaggedError<InputMalformed>()("InputMalformed", {
  reason: Schema.String
}) {
  override get message() {
    return `The input does not fit the function: ${this.reason}`
  }
}

/** The run used up its fuel. Deterministic: the same input stops at the same instruction on every node. */
export class FuelExhausted extends Schema.TaggedError<FuelExhausted>()("FuelExhausted", {
  /** Instructions allowed. */
  fuelMax: Schema.Number
}) {
  override get message() {
    const unit = this.fuelMax === 1 ? "instruction" : "instructions"
    return `The function used up its fuel of ${this.fuelMax} ${unit}. Is there an endless loop? Otherwise allow more with --fuel`
  }
}

/** The run did not end in time, and its process was killed. */
export class RunTimeout extends Schema.TaggedError<RunTimeout>()("RunTimeout", {
  timeoutMs: Schema.Number
}) {
  override get message() {
    return `The function did not end within ${this.timeoutMs} ms and was stopped`
  }
}

/** The run wanted more memory than its limit. */
export class MemoryExceeded extends Schema.TaggedError<MemoryExceeded>()("MemoryExceeded", {
  memoryBytesMax: Schema.Int
}) {
  override get message() {
    return `The function wanted more than its ${this.memoryBytesMax} bytes of memory`
  }
}

/** The run ended by itself in an error: a thrown JavaScript error, a WebAssembly trap, a stack overflow. */
export class RunFailed extends Schema.TaggedError<RunFailed>()("RunFailed", {
  reason: Schema.String
}) {
  override get message() {
    return `The function failed: ${this.reason}`
  }
}

/** More is asked of this node than it can compile or run, and the queue is full. Nothing was done; ask again later. */
export class NodeBusy extends Schema.TaggedError<NodeBusy>()("NodeBusy", {
  /** Requests that wait. */
  waiting: Schema.Int
}) {
  override get message() {
    return `This node is busy (${this.waiting} requests wait). Nothing was done; ask again later`
  }
}

/** What a compilation can fail with. */
export const CompileError = Schema.Union([
  SourceMalformed,
  SourceRefused,
  ModuleMalformed,
  ModuleRefused,
  LanguageUnavailable,
  CompileFailed,
  NodeBusy
])
export type CompileError = typeof CompileError.Type

/** What a run can fail with, once the module is there. */
export const RunError = Schema.Union([
  ModuleMalformed,
  ModuleRefused,
  InputMalformed,
  FuelExhausted,
  RunTimeout,
  MemoryExceeded,
  RunFailed,
  NodeBusy
])
export type RunError = typeof RunError.Type
