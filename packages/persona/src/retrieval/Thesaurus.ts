/**
 * Words of newcomers for words of the pages. Whoever has not read them asks about his computer, not about a node.
 *
 * Each row: words that people say, a colon, and words that the pages have. English only, written by hand: enough for one
 * project's pages, can be read, and never surprises. Only roots that both sides share are worth a row.
 */
import * as Terms from "./Terms.ts"

const rows = `
computer pc laptop desktop notebook mac box device phone: machine node
computers pcs laptops friend neighbor neighbour colleague someone together: machine share another
connect connection link join pair lend give: share peer add machine
brother sister husband wife kid family flatmate roommate mate coworker everybody: share another
cloud online wifi connection web network: internet
upload sent send telemetry spy tracking privacy private: published leave internet telemetry
quit exit close kill off terminate shut shutdown end off halt: stop
pause resume crashed failing fails dead stuck: stopped restart failed
crash crashed broken error fail failing problem issue bug trouble diagnose debug help investigate: wrong doctor
save saved store stored kept location folder directory file disk stuff documents history: data home folder
copy duplicate save lose lost restore recover migrate move transfer: back backup restore copy
free price pay paid money expensive buy subscription licence license legal owner: cost own apache
made author sell commercial resell modify fork redistribute: own apache
remove delete erase rid wipe clean uninstalling gone: uninstall delete
smart clever intelligent capable able good bad dumb weak stupid accurate mistakes sums math maths calculate answers parameters size big: tiny
talk chat speak conversation message prompt memory remember: ask persona conversation
teacher helper assistant bot: persona
chatgpt gpt sdk library libraries python api: openai client
langchain llamaindex litellm curl endpoint: openai client
password token credentials secret login: key api
begin first launch boot setup command: start
taken busy occupied used listen another different: change port
software app application program tool server daemon: node
execute javascript js typescript code script snippet compile call: run function
typescript create build make develop code custom: write actor
limit bound timeout loop long: fuel limit
harm touch damage hurt: sandbox stranger
safe safely trust dangerous secure security strangers untrusted malicious: sandbox stranger
installed available: list install
nodejs npm package: client node
skills abilities adapters adapter plugin: layer
maximum length long size characters: window context
choose pick select next word random creative: sampling token
lost nobody undelivered unhandled: dead letter
realtime deadlines deadline hard soft: rtos operating
stuck blocked waiting circle: deadlock
interrupt interrupted: preemption
weights llama gguf: base model
backup backups: back
log logs logging: wrong log
rank ranked search searches find: bm25 retrieval
router routers firewall: nat hole punching
vector vectors similar: embedding
identifier id: name address
hash checksum fingerprint: hash content id
twice again duplicate: idempotent
old older aging: ageing
reveal revealing showing: zero knowledge
`

/** Verbs of two words, and the one word for them. What stands between the two stays. */
const phrases: ReadonlyArray<readonly [pattern: RegExp, word: string]> = [
  [
    /\b(?:(?:turn|power)(?:s|ed|ing)?|switch(?:es|ed|ing)?|shut(?:s|ting)?)\b((?:\s+\w+){0,3}?)\s+(?:off|down)\b/giu,
    "stop$1"
  ],
  [/\b(?:(?:turn|power|boot)(?:s|ed|ing)?|switch(?:es|ed|ing)?)\b((?:\s+\w+){0,3}?)\s+(?:on|up)\b/giu, "start$1"],
  [/\b(?:get|getting|got)\s+rid\s+of\b/giu, "uninstall"],
  [/\b(?:set|sets|setting)\b((?:\s+\w+){0,2}?)\s+up\b/giu, "start$1"],
  [/\b(?:look|looking)\s+(?:for|up)\b/giu, "search"],
  [/\bphones?\s+home\b/giu, "telemetry"],
  [/\b(?:already\s+)?in\s+use\b/giu, "taken"],
  [/\bhow\s+(?:much|many)\b((?:\s+\w+){0,2}?)\s+(?:text|words|letters)\b/giu, "maximum$1 length"]
]

/** The question with such verbs as one word. Linear in its length. */
export const withoutPhrases = (question: string): string =>
  phrases.reduce((text, [pattern, word]) => text.replace(pattern, word), question)

/** By stem of what is said: the stems that the pages may have for it. */
const table: ReadonlyMap<string, ReadonlySet<string>> = (() => {
  const found = new Map<string, Set<string>>()
  for (const row of rows.trim().split("\n")) {
    const [said, written] = row.split(":") as [string, string]
    for (const term of Terms.of(said)) {
      const known = found.get(term) ?? new Set<string>()
      for (const other of Terms.of(written)) if (other !== term) known.add(other)
      found.set(term, known)
    }
  }
  return found
})()

/** Stems that may stand in a page for this one; none for most. */
export const of = (term: string): ReadonlySet<string> => table.get(term) ?? none
const none: ReadonlySet<string> = new Set()

/** Stems that have a row: words that a typing error may have been meant as. */
export const terms: ReadonlyArray<string> = [...table.keys()]
