import { z } from 'zod'

const wordScope = z.enum(['identifiers', 'prose', 'files'])
export type WordScope = z.infer<typeof wordScope>

const exception = z.strictObject({
  /** Beginning of a path. */
  path: z.string(),
  /** Why the word is the right one there. */
  because: z.string(),
})

/** The form of `vocabulary.json`. */
export const vocabularySchema = z.strictObject({
  words: z.array(
    z.strictObject({
      /**
       * A regular expression for whole words, without regard to case. Identifiers and file names are compared as their
       * words with spaces between them: `readFile` is `read file`.
       */
      out: z.string(),
      /** What to write instead. */
      write: z.string(),
      in: z.array(wordScope).min(1),
      except: z.array(exception).optional(),
    }),
  ),
  /** Names that several packages export on purpose. */
  sharedExports: z.record(z.string(), z.string()),
  /** Files that are not named after an export, and why. */
  fileNames: z.array(exception),
  /** Files that are not checked. */
  unchecked: z.array(exception),
  /** Files that still have hits. A file leaves this list when it is cleaned, and none is added. */
  open: z.array(z.string()),
})
export type Vocabulary = z.infer<typeof vocabularySchema>
