/**
 * The pages that personas answer from, cut into passages and searchable. Read once, at the first question; a page that
 * changes later is seen at the next start.
 *
 * `layerFolder` takes the project's own documents: README.md, docs/*.md and the README of each package and application.
 * Pages that are missing, too large or unreadable are left out, so a node without its documents still answers.
 */
import { Context, Effect, FileSystem, Layer, Path } from "effect"
import * as Limits from "../Limits.ts"
import * as Bm25 from "./Bm25.ts"
import { type Page, passages } from "./Page.ts"

export class Library extends Context.Service<
  Library,
  {
    readonly index: Effect.Effect<Bm25.Index>
    /** Names of the pages. */
    readonly sources: Effect.Effect<ReadonlyArray<string>>
  }
>()("@continuum/persona/Library") {}

/** A library of these pages. */
export const layerPages = (pages: ReadonlyArray<Page>): Layer.Layer<Library> =>
  Layer.effect(Library, make(Effect.succeed(pages)))

/** The documents of this project, below its root. */
export const layerFolder = (root: string): Layer.Layer<Library, never, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(
    Library,
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const read = Effect.fnUntraced(function* (source: string) {
        const file = path.join(root, source)
        const { size } = yield* fs.stat(file)
        return Number(size) > Limits.pageBytesMax ? [] : [{ source, text: yield* fs.readFileString(file) }]
      })
      const names = (folder: string) =>
        Effect.orElseSucceed(
          Effect.map(fs.readDirectory(path.join(root, folder)), (names) => names.toSorted()),
          (): ReadonlyArray<string> => []
        )
      return yield* make(
        Effect.gen(function* () {
          const docs = (yield* names("docs")).filter((name) => name.endsWith(".md") && !notForReaders.has(name))
          const rooms = yield* Effect.forEach(["packages", "apps"], (folder) =>
            Effect.map(names(folder), (names) => names.map((name) => `${folder}/${name}/README.md`))
          )
          const sources = ["README.md", ...docs.map((name) => `docs/${name}`), ...rooms.flat()]
          const pages = yield* Effect.forEach(sources.slice(0, Limits.pagesMax), (source) =>
            Effect.orElseSucceed(read(source), (): ReadonlyArray<Page> => [])
          )
          return pages.flat()
        })
      )
    })
  )

/** Lists of where things are, in which every word of the project stands next to every other. */
const notForReaders = new Set(["FEATURES.md"])

const make = Effect.fnUntraced(function* (read: Effect.Effect<ReadonlyArray<Page>>) {
  const pages = yield* Effect.cached(read)
  const index = yield* Effect.cached(
    Effect.map(pages, (pages) => Bm25.make(pages.flatMap(passages).slice(0, Limits.passagesMax)))
  )
  return { index, sources: Effect.map(pages, (pages) => pages.map(({ source }) => source)) }
})
