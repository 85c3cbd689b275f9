import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** Where a secret comes from: the text of the variable itself, or the path in `<env>_FILE`. */
const secretSource = z.object({ text: z.string().optional(), file: z.string().optional() })
export type SecretSource = z.input<typeof secretSource>

/** What a custom issue of a setting's schema can say besides its message. */
export interface SettingIssue {
  readonly remedy: string
  /** The variable with the invalid value, if it is not the one of the setting. */
  readonly variable?: string
}

/** The text of a secret, read from its file where a file is named; undefined when neither is given. */
export function readSecret(env: string): z.ZodType<string | undefined, SecretSource> {
  return secretSource.transform(({ text, file }, context) => {
    if (file === undefined) return text
    const report = (message: string, params: SettingIssue) => {
      context.addIssue({ code: 'custom', message, params: { ...params } })
      return z.NEVER
    }
    if (text !== undefined) return report(`is set, and ${env}_FILE is too`, { remedy: 'Unset one of them.' })
    const variable = showFileVariable(env, file)
    try {
      const content = readFileSync(file, 'utf8').trim()
      return content === ''
        ? report('is an empty file', { variable, remedy: 'Write the secret into the file.' })
        : content
    } catch (thrown) {
      const problem = `cannot be read (${(thrown as { code?: string }).code})`
      return report(problem, { variable, remedy: 'Give a file that can be read.' })
    }
  })
}

/** The variable that names the file of a secret, with its value. */
export function showFileVariable(env: string, file: string): string {
  return `${env}_FILE=${JSON.stringify(file)}`
}
