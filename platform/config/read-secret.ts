import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** Where a secret comes from: the text of the variable itself, or the path in `<env>_FILE`. */
const secretSource = z.object({ text: z.string().optional(), file: z.string().optional() })
export type SecretSource = z.input<typeof secretSource>

/** The text of a secret, read from its file where a file is named; undefined when neither is given. */
export function readSecret(env: string): z.ZodType<string | undefined, SecretSource> {
  return secretSource.transform(({ text, file }, context) => {
    if (file === undefined) return text
    if (text !== undefined) {
      context.addIssue(`is given twice, directly and in ${env}_FILE`)
      return z.NEVER
    }
    try {
      const content = readFileSync(file, 'utf8').trim()
      if (content !== '') return content
      context.addIssue(`is to be read from ${file}, but that file is empty`)
    } catch (thrown) {
      context.addIssue(`cannot be read from the file ${file} (${(thrown as { code?: string }).code})`)
    }
    return z.NEVER
  })
}
