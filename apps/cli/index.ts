/**
 * The entry of the CLI. It imports nothing that could need a permission: under Deno a program starts with none, and a
 * module that reads a file or a variable while it loads would die before a line of ours could say what is missing.
 *
 * `--version` is answered here. The rest loads `src/Main.ts`, which asks for permissions when a command needs them.
 */
import { version } from "@continuum/core/Version"
import * as DenoPermissions from "./src/DenoPermissions.ts"

const args = process.argv.slice(2)

if (args.length === 1 && (args[0] === "--version" || args[0] === "-v")) {
  console.log(`continuum ${version}`)
} else {
  try {
    const { main } = await import("./src/Main.ts")
    main(args)
  } catch (error) {
    if (!DenoPermissions.isMissing(error)) throw error
    console.error(DenoPermissions.explain(DenoPermissions.all, args))
    process.exit(2)
  }
}
