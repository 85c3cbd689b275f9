import { z } from 'zod'

const wordScope = z.enum(['identifiers', 'prose', 'files'])
export type WordScope = z.infer<typeof wordScope>

const exception = z.strictObject({
  /** Beginning of a path. */
  path: z.string(),
  /** Why the word is correct in these files. */
  because: z.string(),
})

/** The form of `vocabulary.json`. */
export const vocabularySchema = z.strictObject({
  words: z.array(
    z.strictObject({
      /**
       * A case-insensitive regular expression for whole words. Identifiers and file names are split into words: `readFile` is
       * `read file`.
       */
      out: z.string(),
      /** What to write instead. */
      write: z.string(),
      in: z.array(wordScope).min(1),
      except: z.array(exception).optional(),
    }),
  ),
  /** Names that several packages export intentionally, and why. */
  sharedExports: z.record(z.string(), z.string()),
  /** Files that are not named after an export, and why. */
  fileNames: z.array(exception),
  /** Files that are not checked. */
  unchecked: z.array(exception),
})
export type Vocabulary = z.infer<typeof vocabularySchema>
