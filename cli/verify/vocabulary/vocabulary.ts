import { z } from 'zod'

const scope = z.enum(['identifiers', 'prose', 'files'])
export type Scope = z.infer<typeof scope>

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
       * words with spaces between them: `handOver` is `hand over`.
       */
      out: z.string(),
      /** What to write instead. */
      write: z.string(),
      in: z.array(scope).min(1),
      except: z.array(exception).optional(),
    }),
  ),
  /** Names that several packages export on purpose. */
  sharedExports: z.record(z.string(), z.string()),
  /** Files that are not named after an export, and why. */
  fileNames: z.array(exception),
  /** Files that are not checked. */
  unchecked: z.array(exception),
})
export type Vocabulary = z.infer<typeof vocabularySchema>
