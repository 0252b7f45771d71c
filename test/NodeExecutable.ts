/** Node itself: `bun --bun`, which runs the tests, puts a link to Bun under the name `node` in front of it. */
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Bun sets `NODE` too, to the folder of its link. */
const isOfBun = (path: string): boolean => path.includes("bun-node")
const given = process.env.NODE

/** The path of Node, from `NODE` or as the shell would find it. */
export const nodeExecutable: string =
  given !== undefined && !isOfBun(given)
    ? given
    : ((process.env.PATH ?? "")
        .split(delimiter)
        .filter((folder) => !isOfBun(folder))
        .map((folder) => join(folder, "node"))
        .find(isExecutable) ?? "node")
