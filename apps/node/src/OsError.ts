/** Errors of the operating system in words that say what to look at. */

/** The error code, such as `ENOSPC`, of an error or of the first of its causes that has one. */
export const codeOf = (error: unknown): string | undefined => {
  for (let at = error, depth = 0; typeof at === "object" && at !== null && depth < causeDepthMax; depth++) {
    const { code, cause, reason } = at as { code?: unknown; cause?: unknown; reason?: unknown }
    if (typeof code === "string") return code
    at = cause ?? reason
  }
  return undefined
}

/** What is wrong, in words where the code is known, else in the error's own. */
export const describe = (error: unknown): string =>
  words[codeOf(error) ?? ""] ?? (error instanceof Error ? error.message : String(error))

const causeDepthMax = 5

const words: Record<string, string | undefined> = {
  ENOENT: "there is no such folder",
  EACCES: "this user may not use it",
  EPERM: "this user may not use it",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota of this user is used up",
  EEXIST: "there is a file of that name",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is a file, not a folder",
  EMFILE: "too many files are open",
  EADDRINUSE: "another program uses it",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "no machine of this name is known"
}
