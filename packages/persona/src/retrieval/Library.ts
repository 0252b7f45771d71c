/**
 * The pages that personas answer from, cut into passages and searchable. Read once: when `index` is first run, which a node
 * does as soon as it is up; a page that changes later is seen at the next start.
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
    /** Made at its first run, in pieces between which everything else of the process has its turn; then always the same. */
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
  const index = yield* Effect.cached(Effect.flatMap(pages, indexed))
  return { index, sources: Effect.map(pages, (pages) => pages.map(({ source }) => source)) }
})

const indexed = Effect.fnUntraced(function* (pages: ReadonlyArray<Page>) {
  const builder = Bm25.makeBuilder()
  let added = 0
  for (const page of pages) {
    for (const passage of passages(page).slice(0, Limits.passagesMax - added)) {
      builder.add(passage)
      if (++added % Limits.passagesAtOnceMax === 0) yield* Effect.yieldNow
    }
    yield* Effect.yieldNow
  }
  return builder.build()
})
