import { expect, test } from 'bun:test'
import { parseFileBytes } from './read-file-bytes.ts'

test('bytes are read from the io file of a process', () => {
  expect(parseFileBytes('rchar: 12\nwchar: 34\nsyscr: 1\n')).toEqual({ read: 12, written: 34 })
})
