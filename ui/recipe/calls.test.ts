import { describe, expect, test } from 'bun:test'
import { cliCall, curlCall, quote, type CallSubject } from './calls.ts'

const subject: CallSubject = {
  origin: 'http://127.0.0.1:3000',
  fileName: 'photo.jpg',
  recipe: 'resize:800/format:webp',
  needsToken: false,
  results: [],
  resultName: 'photo.webp',
}

/** The words that a real shell parses from a command, one a line. */
async function words(command: string): Promise<string[]> {
  const shell = Bun.spawn(
    ['sh', '-c', `show() { printf '%s\\n' "$@"; }; ${command.replace(/^\S+/, 'show')}`],
    {
      env: { PIXELFLOW_TOKEN: 'secret' },
    },
  )
  const text = await new Response(shell.stdout).text()
  return text.trimEnd().split('\n')
}

describe('quote', () => {
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
    expect(await words(`show ${quote(word)}`)).toEqual([word])
  })
})

describe('curlCall', () => {
  test('sends the file and the recipe in one request', async () => {
    expect(await words(curlCall(subject))).toEqual([
      '--fail-with-body',
      '--form-string',
      'recipe=resize:800/format:webp',
      '-F',
      'file=@photo.jpg',
      'http://127.0.0.1:3000/api/v1/tasks',
    ])
  })

  test('reads the token from the environment', async () => {
    const call = curlCall({ ...subject, needsToken: true })
    expect(call).not.toContain('secret')
    expect(await words(call)).toContain('Authorization: Bearer secret')
  })

  test('quotes a file name that curl would split', async () => {
    expect(await words(curlCall({ ...subject, fileName: 'a, "b";c.jpg' }))).toContain(
      String.raw`file=@"a, \"b\";c.jpg"`,
    )
  })

  test('downloads the existing results', () => {
    const results = [{ href: '/api/v1/tasks/t/outputs/default', fileName: 'photo.webp' }]
    expect(
      curlCall({ ...subject, results })
        .split('\n')
        .at(-1),
    ).toBe('curl --fail -o photo.webp http://127.0.0.1:3000/api/v1/tasks/t/outputs/default')
  })
})

test('cliCall quotes its arguments where necessary', () => {
  expect(cliCall({ ...subject, fileName: 'my photo.jpg', recipe: 'rotate:90' })).toBe(
    "./pixelflow process 'my photo.jpg' -r rotate:90 -o photo.webp",
  )
})

test('cliCall names a server other than the default', () => {
  expect(cliCall({ ...subject, origin: 'https://pixels.example' })).toEndWith(' -s https://pixels.example')
})
