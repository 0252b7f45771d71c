/**
 * The limits of `runtime-wasm`: everything that grows has one. Each has its unit in its name, and the reason for its
 * number. Sections: modules (rewrite, manifest, ABI), then compilers and runs.
 */

// Modules

/** A module file. 8 MiB: sixteen times the QuickJS that ships with the node. Chosen, not measured. */
export const moduleBytesMax = 8 * 1024 * 1024

/** Linear memory of a module, in pages of 64 KiB: 64 MiB. Chosen, not measured. */
export const memoryPagesMax = 1024

/** Function types of a module. Chosen, not measured; a large C program has some hundreds. */
export const typesMax = 10_000

/** Parameters of a function type, and likewise results. Engines allow 1,000; our wrappers hold them in locals. */
export const parametersMax = 128

/** Imports of a module. QuickJS has 20. Chosen, not measured. */
export const importsMax = 256

/** Functions of a module, imported ones included. QuickJS has about 1,350. Chosen, not measured. */
export const functionsMax = 50_000

/** Exports of a module. Chosen, not measured. */
export const exportsMax = 4096

/** Globals of a module. Chosen, not measured. */
export const globalsMax = 10_000

/** Tables of a module. Chosen, not measured; a compiler makes one. */
export const tablesMax = 16

/** Entries of one table, each a pointer in the engine: 512 KiB. Chosen, not measured. */
export const tableEntriesMax = 65_536

/** Element segments of a module, and likewise data segments. Chosen, not measured. */
export const segmentsMax = 10_000

/** Custom sections of a module. Debug builds have about ten. Chosen, not measured. */
export const customSectionsMax = 1000

/** Locals of one function. Engines allow 50,000; compilers stay below 1,000. Chosen, not measured. */
export const localsMax = 10_000

/** Targets of one `br_table`. The specification's JavaScript interface allows 65,520. Chosen, not measured. */
export const labelsMax = 10_000

/** Blocks within blocks. A `switch` of n cases is n deep. Chosen, not measured. */
export const nestingMax = 10_000

/** One function body after rewriting: what the WebAssembly JavaScript interface requires engines to accept. */
export const functionBytesMax = 7_654_321

/** A module after rewriting. A loop of three bytes grows to about twenty, so eight times `moduleBytesMax`. */
export const rewrittenBytesMax = 8 * moduleBytesMax

/** The manifest section of a module. Chosen, not measured; a typical one has 300 bytes. */
export const manifestBytesMax = 64 * 1024

/**
 * Parentheses within parentheses, and blocks within blocks, of a WebAssembly text. The assembler (wabt 1.0.39) has a
 * stack of 64 KiB: measured, it breaks or runs forever from about 150.
 */
export const watNestingMax = 100

/** MessagePack of an input or an output of a run. 1 MiB. Chosen, not measured. */
export const payloadBytesMax = 1024 * 1024

// Compilers and runs

/** One message between the node and a sandbox child: a module file, its rewritten form and a payload, with room. */
export const frameBytesMax = 80 * 1024 * 1024

/** Start of a sandbox child until it answers, in ms. Measured 150-900 on a busy machine; a slow disk gets the rest. */
export const childStartMsMax = 20_000

/** Open files of a sandbox child. Node's loader opens the modules that it imports all at once: 128 are too few, 256 enough. */
export const childDescriptorsMax = 512

/** Writable private memory of a sandbox child (RLIMIT_DATA). Deno does not start with 400 MB; a compiler uses 300 MB. */
export const childDataBytesMax = 4 * 1024 * 1024 * 1024

/**
 * Nice value of a sandbox child, 0 to 19. At 10 the scheduler of Linux gives the node about nine times the share of a
 * child that competes with it for a core, so that it answers while four functions loop on two cores.
 */
export const childNiceness = 10

/** Time between two looks at a busy child's resident memory, in ms. At 2 GB/s it can grow 200 MB in between. */
export const memoryWatchMs = 100

/**
 * Time that a request waits for a free child before it is told that the node is busy, in ms. Six runs of the default time
 * limit: on a busy machine two hostile functions in a row must not turn a third caller away.
 */
export const queueWaitMsMax = 30_000

/**
 * Stack of QuickJS, in bytes: 6,000 calls of a small function, twice what its own default allows. All ways to nest calls
 * that were tried need less than `childStackKilobytes` of the engine's own stack for it, on Bun, Deno and Node.
 */
export const quickJsStackBytesMax = 1024 * 1024

/** Stack of a sandbox child's main thread, in KiB. With 8 MiB, what systems give, QuickJS could use only 200 kB of its. */
export const childStackKilobytes = 65_532

/** Fuel that QuickJS may use to get ready, once. Measured; see bench. A number above it means a broken binary. */
export const quickJsFuelToPrepareMax = 1_000_000_000

/** Source of one function, in bytes of UTF-8. 256 KiB: what a person or a model writes is a hundredth of that. */
export const functionSourceBytesMax = 256 * 1024

/** Depth of the syntax tree of a source. Bun, Deno and Node overflow their stack beyond about 1,500. */
export const sourceNestingMax = 400

/** Depth of arrays within arrays in a compiled signature. Chosen, not measured. */
export const typeDepthMax = 3

/** Values of different types in one list of a compiled signature, such as the arguments of a function. Chosen, not measured. */
export const typeListMax = 8

/** Inputs that a compiled function is compared with its source on. 24 boundary values and as many random ones. */
export const differentialInputs = 48

/** Inputs that must have been compared for a verdict. Chosen, not measured. */
export const testedMin = 4

/** Fuel of the reference for one input: 20 ms. An input such as 1e21 keeps many a loop busy for ever. */
export const referenceFuelMax = 20_000_000

/** Fuel of the reference for all inputs of one compilation: 0.4 s. */
export const referenceFuelTotalMax = 400_000_000

/** Characters of an input or answer in a report. */
export const differingTextMax = 60

/** Output of a run as JSON, in characters. As large as an input. */
export const outputCharactersMax = 1024 * 1024

/** Modules that a sandbox child keeps compiled; one that it has forgotten is sent again. Chosen, not measured. */
export const childModulesMax = 64

/** Children that run modules at the same time. Two: the cores of a small machine. Chosen, not measured. */
export const runChildrenMax = 2

/** Children that compile. One compilation keeps a core busy and takes 300 MB. Chosen, not measured. */
export const compileChildrenMax = 1

/** Requests that wait for a child of a pool. At 5 s each the last one would give up long before its turn. Chosen, not measured. */
export const sandboxQueueCapacity = 256

/** Resident memory of a child that runs modules: the runtime (60-170 MB), a module's 64 MiB, and copies of both. */
export const runChildBytesMax = 512 * 1024 * 1024

/** Resident memory of a child that compiles. asc with binaryen takes 170-300 MB; hostile sources get no more than this. */
export const compileChildBytesMax = 1024 * 1024 * 1024

/** A child beyond the first that had nothing to do for so long is stopped, in ms. Chosen, not measured. */
export const childIdleMs = 60_000

/** One compilation, in ms. A typical one takes 100-700; asc's first one after a cold start 2,500. */
export const compileTimeoutMs = 20_000

/** Checking and rewriting a module file, in ms. Half a megabyte takes 40-100. */
export const loadTimeoutMs = 5_000

/**
 * Fuel of a run in the node's own thread. Measured on Bun, Deno and Node, first runs included: loops of any instruction
 * take 0.1-1 ms for it, endless recursion, which touches fresh stack, and functions of many locals 1-4 ms.
 */
export const inThreadFuelMax = 100_000

/**
 * Entries of all tables of a module that may run in the node's own thread. The sixteen largest tables that a module may have
 * keep Bun busy for 70 ms and more, at each run; what AssemblyScript makes has one entry.
 */
export const inThreadTableEntriesMax = 1_024

/** Rewritten code of a module that may run in the node's own thread. Engines compile 64 KiB in less than 5 ms. */
export const inThreadCodeBytesMax = 64 * 1024

/**
 * Fuel of a run that does not ask for another: a thousand million instructions, about a second. A run should end by its
 * fuel, which every node agrees on, and not by its time.
 */
export const fuelDefault = 1_000_000_000

/** Fuel that a caller may ask for: a hundred seconds. Beyond its time limit a run is stopped in any case. */
export const fuelMax = 100_000_000_000

/** Time of a run that does not ask for another, in ms. 5 s: what the project's first papers promised. */
export const runTimeoutMs = 5_000

/** Time that a caller may ask for, in ms. Chosen, not measured. */
export const runTimeoutMsMax = 60_000

/** Input of a run as JSON, in characters. 1 MiB. Chosen, not measured. */
export const inputCharactersMax = 1024 * 1024

/** Types of input that a source is remembered to be compiled for. Chosen, not measured. */
export const sourceVariantsMax = 64

/** Code of modules kept ready to run, in bytes. Chosen, not measured: a thousand functions. */
export const moduleCacheBytesMax = 64 * 1024 * 1024

/** Modules that one listing shows. Chosen, not measured. */
export const modulesListMax = 1_000
