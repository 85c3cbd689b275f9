import { describe, expect, test } from 'bun:test'
import { writeCliCommand, writeCurlCommand, quoteArgument, type TerminalCommand } from './terminal-command.ts'

const command: TerminalCommand = {
  origin: 'http://127.0.0.1:3000',
  fileName: 'photo.jpg',
  recipe: 'resize:800/format:webp',
  needsToken: false,
  results: [],
  resultName: 'photo.webp',
}

/** The arguments that a real shell parses from a command. */
async function parseArguments(line: string): Promise<string[]> {
  const shell = Bun.spawn(['sh', '-c', `show() { printf '%s\\n' "$@"; }; ${line.replace(/^\S+/, 'show')}`], {
    env: { PIXELFLOW_TOKEN: 'secret' },
  })
  const text = await new Response(shell.stdout).text()
  return text.trimEnd().split('\n')
}

describe('quoteArgument', () => {
  test.each([
    'plain.jpg',
    'with space.jpg',
    "it's.jpg",
    '$(reboot)',
    '`x`',
    'a"b',
    String.raw`back\slash`,
    'x;y',
  ])('%s is passed through a shell unchanged', async (word) => {
    expect(await parseArguments(`show ${quoteArgument(word)}`)).toEqual([word])
  })
})

describe('writeCurlCommand', () => {
  test('sends the file and the recipe in one request', async () => {
    expect(await parseArguments(writeCurlCommand(command))).toEqual([
      '--fail-with-body',
      '--form-string',
      'recipe=resize:800/format:webp',
      '-F',
      'file=@photo.jpg',
      'http://127.0.0.1:3000/api/v1/tasks',
    ])
  })

  test('reads the token from the environment', async () => {
    const line = writeCurlCommand({ ...command, needsToken: true })
    expect(line).not.toContain('secret')
    expect(await parseArguments(line)).toContain('Authorization: Bearer secret')
  })

  test('quotes a file name that curl would split', async () => {
    expect(await parseArguments(writeCurlCommand({ ...command, fileName: 'a, "b";c.jpg' }))).toContain(
      String.raw`file=@"a, \"b\";c.jpg"`,
    )
  })

  test('downloads the existing results', () => {
    const results = [{ href: '/api/v1/tasks/t/outputs/default', fileName: 'photo.webp' }]
    expect(
      writeCurlCommand({ ...command, results })
        .split('\n')
        .at(-1),
    ).toBe('curl --fail -o photo.webp http://127.0.0.1:3000/api/v1/tasks/t/outputs/default')
  })
})

test('writeCliCommand quotes its arguments where necessary', () => {
  expect(writeCliCommand({ ...command, fileName: 'my photo.jpg', recipe: 'rotate:90' })).toBe(
    "./pixelflow process 'my photo.jpg' -r rotate:90 -o photo.webp",
  )
})

test('writeCliCommand names a server other than the default', () => {
  expect(writeCliCommand({ ...command, origin: 'https://pixels.example' })).toEndWith(
    ' -s https://pixels.example',
  )
})
