/** What the page does, as calls for a terminal. */

/** Where the command line looks for a server when it is told nothing. */
const usualOrigin = 'http://127.0.0.1:3000'

export interface CallSubject {
  readonly origin: string
  readonly fileName: string
  /** Short text form, or JSON where the recipe has several outputs. */
  readonly recipe: string
  readonly needsToken: boolean
  /** What results are called once there are some. */
  readonly results: readonly { readonly href: string; readonly fileName: string }[]
  /** What a result would be called before there is one; a pattern for several. */
  readonly resultName: string
}

/** One curl call that hands in file and recipe, and one more for each result that is there. */
export function curlCall(subject: CallSubject): string {
  const { origin, fileName, recipe, needsToken, results } = subject
  const token = needsToken ? ['-H "Authorization: Bearer $PIXELFLOW_TOKEN"'] : []
  const create = [
    'curl --fail-with-body',
    ...token,
    // --form-string: a plain -F would read `;` and a leading `@` or `<` in the value as its own syntax.
    `--form-string ${quote(`recipe=${recipe}`)}`,
    `-F ${quote(`file=@${curlPath(fileName)}`)}`,
    quote(`${origin}/api/v1/tasks`),
  ]
  const fetches = results.map((one) =>
    ['curl --fail', ...token, `-o ${quote(one.fileName)}`, quote(`${origin}${one.href}`)].join(' '),
  )
  return [create.join(' \\\n  '), ...fetches].join('\n\n')
}

/** The same by our own command line, which takes its token from PIXELFLOW_TOKEN by itself. */
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

/** A word for a POSIX shell: bare where that is safe, else in single quotes. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/** A file name inside curl's -F: in double quotes where `,` or `;` would end it. */
function curlPath(name: string): string {
  return /[,;"]/.test(name) ? `"${name.replaceAll(/["\\]/g, String.raw`\$&`)}"` : name
}
