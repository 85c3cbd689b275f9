/** The page's task as commands for a terminal. */

/** The default server of the command line. */
const usualOrigin = 'http://127.0.0.1:3000'

export interface CallSubject {
  readonly origin: string
  readonly fileName: string
  /** Short text form, or JSON where the recipe has several outputs. */
  readonly recipe: string
  readonly needsToken: boolean
  /** File names of the results, once they exist. */
  readonly results: readonly { readonly href: string; readonly fileName: string }[]
  /** File name of a future result; a pattern for several. */
  readonly resultName: string
}

/** One curl command that sends the file and the recipe, and one more for each existing result. */
export function curlCall(subject: CallSubject): string {
  const { origin, fileName, recipe, needsToken, results } = subject
  const token = needsToken ? ['-H "Authorization: Bearer $PIXELFLOW_TOKEN"'] : []
  const create = [
    'curl --fail-with-body',
    ...token,
    // --form-string: -F would interpret `;` and a leading `@` or `<` in the value.
    `--form-string ${quote(`recipe=${recipe}`)}`,
    `-F ${quote(`file=@${curlPath(fileName)}`)}`,
    quote(`${origin}/api/v1/tasks`),
  ]
  const fetches = results.map((one) =>
    ['curl --fail', ...token, `-o ${quote(one.fileName)}`, quote(`${origin}${one.href}`)].join(' '),
  )
  return [create.join(' \\\n  '), ...fetches].join('\n\n')
}

/** The same task by PixelFlow's command line, which reads its token from PIXELFLOW_TOKEN. */
export function cliCall(subject: CallSubject): string {
  const { origin, fileName, recipe, resultName } = subject
  const server = origin === usualOrigin ? [] : [`-s ${quote(origin)}`]
  return [
    './pixelflow process',
    quote(fileName),
    `-r ${quote(recipe)}`,
    `-o ${quote(resultName)}`,
    ...server,
  ].join(' ')
}

/** An argument for a POSIX shell: unquoted where that is safe, otherwise in single quotes. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/** A file name for curl's -F: in double quotes where `,` or `;` would end it. */
function curlPath(name: string): string {
  return /[,;"]/.test(name) ? `"${name.replaceAll(/["\\]/g, String.raw`\$&`)}"` : name
}
