/** The default server of the command line. */
const defaultOrigin = 'http://127.0.0.1:3000'

/** What a command for a terminal needs to do the same as the page. */
export interface TerminalCommand {
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
export function writeCurlCommand(command: TerminalCommand): string {
  const { origin, fileName, recipe, needsToken, results } = command
  const token = needsToken ? ['-H "Authorization: Bearer $PIXELFLOW_TOKEN"'] : []
  const create = [
    'curl --fail-with-body',
    ...token,
    // --form-string: -F would interpret `;` and a leading `@` or `<` in the value.
    `--form-string ${quoteArgument(`recipe=${recipe}`)}`,
    `-F ${quoteArgument(`file=@${quoteCurlPath(fileName)}`)}`,
    quoteArgument(`${origin}/api/v1/tasks`),
  ]
  const downloads = results.map((one) =>
    [
      'curl --fail',
      ...token,
      `-o ${quoteArgument(one.fileName)}`,
      quoteArgument(`${origin}${one.href}`),
    ].join(' '),
  )
  return [create.join(' \\\n  '), ...downloads].join('\n\n')
}

/** The same task by PixelFlow's command line, which reads its token from PIXELFLOW_TOKEN. */
export function writeCliCommand(command: TerminalCommand): string {
  const { origin, fileName, recipe, resultName } = command
  const server = origin === defaultOrigin ? [] : [`-s ${quoteArgument(origin)}`]
  return [
    './pixelflow process',
    quoteArgument(fileName),
    `-r ${quoteArgument(recipe)}`,
    `-o ${quoteArgument(resultName)}`,
    ...server,
  ].join(' ')
}

/** An argument for a POSIX shell: unquoted where that is safe, otherwise in single quotes. */
export function quoteArgument(argument: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(argument)
    ? argument
    : `'${argument.replaceAll("'", String.raw`'\''`)}'`
}

/** A file name for curl's -F: in double quotes where `,` or `;` would end it. */
function quoteCurlPath(name: string): string {
  return /[,;"]/.test(name) ? `"${name.replaceAll(/["\\]/g, String.raw`\$&`)}"` : name
}
