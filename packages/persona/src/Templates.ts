/**
 * The personas that every node has from its first start: a name, a role, and what each is good at.
 */
import * as Nearest from "@continuum/core/Nearest"

export interface Template {
  /** For people, such as `Teacher AI`. */
  readonly name: string
  /** One sentence. */
  readonly role: string
  /** Names of the layers that it wears, in order. */
  readonly layers: ReadonlyArray<string>
  /** 0 to 255, higher first: whose tokens the model computes first. */
  readonly priority: number
  /** Pages that it prefers: the factor of their scores, 1 for all others. Tuned on test/retrieval/Questions.ts. */
  readonly pages: Readonly<Record<string, number>>
}

const exercises = ["arithmetic", "brackets", "dates", "reversing", "sorting", "english"]

export const templates: ReadonlyArray<Template> = [
  {
    name: "Helper AI",
    role: "Helps with whatever you do with this node",
    layers: exercises,
    priority: 128,
    pages: { "docs/GUIDE.md": 1.5, "docs/GLOSSARY.md": 1.35 }
  },
  {
    name: "Teacher AI",
    role: "Explains the words and ideas behind this project",
    layers: exercises,
    priority: 128,
    pages: { "docs/GUIDE.md": 1.35, "docs/GLOSSARY.md": 1.5 }
  }
]

/** The persona that answers when none is named. */
export const defaultName = "Helper AI"

/** A name as programs write it: `Teacher AI` is `teacher-ai`. */
export const idOf = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, "-")
    .replaceAll(/^-|-$/g, "")

/** The template of a name: exactly, or as programs write it. */
export const find = (name: string): Template | undefined =>
  templates.find((one) => one.name === name) ?? templates.find((one) => idOf(one.name) === idOf(name))

/** What was meant by a name that does not exist; all names when none is near. */
export const nearest = (name: string): ReadonlyArray<string> => {
  const ids = templates.map((one) => idOf(one.name))
  // "Techer" alone is nearer to "teacher" than to "teacher-ai".
  const near = new Set([...Nearest.of(idOf(name), ids), ...Nearest.of(`${idOf(name)}-ai`, ids)])
  const names = templates.map((one) => one.name)
  return near.size === 0 ? names : [...near].map((id) => names[ids.indexOf(id)]!)
}
