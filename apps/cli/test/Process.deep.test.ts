/** The program on the runtimes that a user of the CLI rather does not choose. */
import { behavesAsProgram } from "./support/Program.ts"
import { commands } from "./support/Cli.ts"

behavesAsProgram("Bun", commands.bun)
behavesAsProgram("Node", commands.node)
