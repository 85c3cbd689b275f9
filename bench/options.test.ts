import { expect, test } from 'bun:test'
import { readOptions } from './options.ts'

test('options have defaults, and are numbers', () => {
  expect(readOptions([])).toMatchObject({ images: 40, rounds: 5, json: false })
  expect(readOptions(['--images', '10', '--upload-mib=1', '--json'])).toMatchObject({
    images: 10,
    uploadBytes: 1024 * 1024,
    json: true,
  })
})

test('what is no number, or unknown, is refused by name', () => {
  for (const args of [['--images', 'many'], ['--rounds', '0'], ['--nope'], ['more']])
    expect(() => readOptions(args)).toThrow(args[0])
})
