import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeSettings } from './describe-settings.ts'
import { readSettings, redact, InvalidSettings } from './read-settings.ts'
import { bytes, choice, duration, flag, integer, list, port, secret, text } from './setting.ts'

const table = {
  size: bytes('T_SIZE', { default: 512 * 2 ** 20, min: 1024, help: 'a size' }),
  wait: duration('T_WAIT', { default: 15e3, max: 60e3, help: 'a wait' }),
  count: integer('T_COUNT', { default: 4, min: 1, max: 64, defaultDescription: 'cores', help: 'a | count' }),
  port: port('T_PORT', { default: 3000, help: 'a port' }),
  word: choice('T_WORD', ['json', 'pretty'], { default: undefined, help: 'a word' }),
  yes: flag('T_YES', { default: false, help: 'a flag' }),
  name: text('T_NAME', { default: 'x', expects: 'a name', pattern: /^[a-z]+$/, help: 'a name' }),
  names: list('T_NAMES', { default: ['a'], expects: 'names', help: 'names' }),
  key: secret('T_KEY', { expects: 'a key', help: 'a key' }),
}

test('defaults, when nothing or only blanks are given', () => {
  const values = readSettings(table, { T_SIZE: ' ', T_PORT: '' })
  expect(values).toEqual({
    size: 536_870_912,
    wait: 15_000,
    count: 4,
    port: 3000,
    word: undefined,
    yes: false,
    name: 'x',
    names: ['a'],
    key: undefined,
  })
  expect(Object.isFrozen(values)).toBe(true)
  const typed: 'json' | 'pretty' | undefined = values.word
  expect(typed).toBeUndefined()
})

test.each([
  ['2KiB', 2048],
  ['1.5 MiB', 1_572_864],
  ['2GB', 2e9],
  ['4096', 4096],
  ['64kb', 64_000],
])('a size of %s is %d bytes', (given, expected) => {
  expect(readSettings(table, { T_SIZE: given }).size).toBe(expected)
})

test.each([
  ['250ms', 250],
  ['1.5s', 1500],
  ['1m', 60_000],
  ['300', 300],
])('a wait of %s is %d ms', (given, expected) => {
  expect(readSettings(table, { T_WAIT: given }).wait).toBe(expected)
})

test.each([
  ['1', true],
  ['Yes', true],
  ['ON', true],
  ['0', false],
  ['no', false],
  ['Off', false],
])('a flag of %s is %p', (given, expected) => {
  expect(readSettings(table, { T_YES: given }).yes).toBe(expected)
})

test('words are read in any case, lists without blanks and empty entries', () => {
  expect(readSettings(table, { T_WORD: 'JSON', T_NAMES: ' a, b,,c ' })).toMatchObject({
    word: 'json',
    names: ['a', 'b', 'c'],
  })
})

test('every invalid value is reported at once, with variable, problem and remedy, without secrets', () => {
  const wrong = {
    T_SIZE: '12 parsecs',
    T_WAIT: '2m',
    T_COUNT: '0',
    T_PORT: '70000',
    T_WORD: 'xml',
    T_YES: 'perhaps',
    T_NAME: 'No!',
    T_KEY: 'hunter2',
    T_KEY_FILE: '/dev/null',
  }
  let thrown: unknown
  try {
    readSettings(table, wrong)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(InvalidSettings)
  const { problems, message } = thrown as InvalidSettings
  expect(problems.length).toBe(8)
  expect(message).toContain(
    'T_SIZE="12 parsecs" is not a number with one of the units B, KB, MB, GB, TB, KiB, MiB, GiB, TiB. Give a size of 1KiB or more, such as 512MiB or 2GB.',
  )
  expect(message).toContain('T_WAIT="2m" is above 1m. Give a duration from 0ms to 1m.')
  expect(message).toContain('T_COUNT="0" is below 1. Give a whole number from 1 to 64.')
  expect(message).toContain('T_WORD="xml" is not valid. Give one of json, pretty.')
  expect(message).toContain('T_KEY ([redacted]) is set, and T_KEY_FILE is too. Unset one of them.')
  expect(message).not.toContain('hunter2')
})

test('a secret can be read from a file', async () => {
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-config-'))
  const path = join(home, 'key')
  try {
    await Bun.write(path, 'from-a-file\n')
    expect(readSettings(table, { T_KEY_FILE: path }).key).toBe('from-a-file')
    await Bun.write(path, '\n')
    expect(() => readSettings(table, { T_KEY_FILE: path })).toThrow(
      `T_KEY_FILE="${path}" is an empty file. Write the secret into the file.`,
    )
    expect(() => readSettings(table, { T_KEY_FILE: join(home, 'none') })).toThrow(
      `T_KEY_FILE="${join(home, 'none')}" cannot be read (ENOENT). Give a file that can be read.`,
    )
  } finally {
    await rm(home, { recursive: true })
  }
})

test('a variable of an earlier version prevents the start and names its successor', () => {
  const limit = { limit: bytes('T_WORKER_MEMORY', { default: 1, help: 'a limit', former: 'T_CHILD_MEMORY' }) }
  expect(readSettings(limit, { T_WORKER_MEMORY: '2' })).toEqual({ limit: 2 })
  expect(readSettings(limit, { T_CHILD_MEMORY: ' ' })).toEqual({ limit: 1 })
  expect(() => readSettings(limit, { T_CHILD_MEMORY: '2' })).toThrow(
    'T_CHILD_MEMORY is the former name of a setting. Rename it to T_WORKER_MEMORY.',
  )
  expect(() => readSettings(limit, { T_CHILD_MEMORY: '2', T_WORKER_MEMORY: 'x' })).toThrow(
    /Rename it to T_WORKER_MEMORY\.\nT_WORKER_MEMORY="x" is not a number/,
  )
})

test('former names of the settings of every process are refused', () => {
  expect(() => readSettings(table, { PIXELFLOW_METRICS: 'off', PIXELFLOW_LEASH: 'pipe' })).toThrow(
    /PIXELFLOW_LEASH is .*\nPIXELFLOW_METRICS is the former name of a setting\. Rename it to PIXELFLOW_METRICS_ACCESS\./,
  )
})

test('redacted values contain no secrets', () => {
  const values = readSettings(table, { T_KEY: 'hunter2', T_SIZE: '2048', T_WAIT: '90' })
  expect(redact(table, values)).toEqual({
    T_SIZE: '2KiB',
    T_WAIT: '90ms',
    T_COUNT: '4',
    T_PORT: '3000',
    T_YES: 'false',
    T_NAME: 'x',
    T_NAMES: 'a',
    T_KEY: '[redacted]',
  })
})

test('documents get one row per setting', () => {
  const rows = describeSettings(table)
  expect(rows).toHaveLength(9)
  expect(rows[0]).toBe('| `T_SIZE` | `512MiB` | a size of 1KiB or more, such as 512MiB or 2GB | a size |')
  expect(rows[2]).toContain('| `cores` |')
  expect(rows[2]).toContain('a \\| count')
  expect(rows[8]).toBe('| `T_KEY`, `T_KEY_FILE` | – | a key | a key |')
})
