/**
 * Whether a question is in English, the only language that the pages are written in. A guess by letters and by the small words of
 * some other languages, for a better "I do not know"; nothing else depends on it.
 */

/** Words of German, French, Spanish, Italian and Dutch that stand in most questions and are no words of English. */
const smallWords = new Set(
  (
    "ist ein eine einen der das den dem ich du wie wo wer warum wieso und oder nicht mein meine meinen kann kannst bitte mit " +
    "le la les un une est sont je tu il comment quoi que qui où pourquoi et ou pas mon ma mes avec pour s'il " +
    "el los las uno es son yo cómo como qué quién dónde por mi mis con para il lo gli che chi dove perché sono het een hoe wat waar"
  ).split(" ")
)

/** At least two small words of another language, or letters of another script. */
export const isForeign = (question: string): boolean => {
  const words = question.toLowerCase().match(/[\p{L}']+/gu) ?? []
  const small = new Set(words.filter((word) => smallWords.has(word)))
  return small.size >= 2 || words.some((word) => /[^\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]/u.test(word))
}
