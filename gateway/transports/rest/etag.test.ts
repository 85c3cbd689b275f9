import { expect, test } from 'bun:test'
import { matchesStrongly, matchesWeakly } from './etag.ts'

const tag = '"a,b"'

test.each<[string | null, boolean, boolean]>([
  // Header, weak match, strong match.
  [tag, true, true],
  [`W/${tag}`, true, false],
  ['*', true, true],
  [' * ', true, true],
  [`"x", ${tag}`, true, true],
  [`"x",\t${tag} ,"y"`, true, true],
  [`, ,"x",,${tag},`, true, true],
  [`W/"x", W/${tag}`, true, false],
  [`W/${tag}, ${tag}`, true, true],
  ['"a", "b"', false, false],
  ['"x"', false, false],
  [null, false, false],
  ['', false, false],
  [',', false, false],
  ['a,b', false, false],
  [`w/${tag}`, false, false],
  [`W/ ${tag}`, false, false],
  [`${tag}x`, false, false],
  [`*, ${tag}`, false, false],
  ['"a,b', false, false],
])('%s', (header, isWeak, isStrong) => {
  expect([matchesWeakly(header, tag), matchesStrongly(header, tag)]).toEqual([isWeak, isStrong])
})

test('a weak ETag never matches strongly', () => {
  expect(matchesStrongly('W/"a"', 'W/"a"')).toBe(false)
  expect(matchesWeakly('"a"', 'W/"a"')).toBe(true)
})

test('a long header is parsed in linear time', () => {
  const header = `${'"x"  \t  , '.repeat(20_000)}!`
  expect(matchesWeakly(header, tag)).toBe(false)
})
