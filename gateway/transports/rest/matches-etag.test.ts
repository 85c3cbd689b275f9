import { expect, test } from 'bun:test'
import { matchesEtag } from './matches-etag.ts'

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
  expect([matchesEtag(header, tag, 'weak'), matchesEtag(header, tag, 'strong')]).toEqual([isWeak, isStrong])
})

test('a weak ETag never matches strongly', () => {
  expect(matchesEtag('W/"a"', 'W/"a"', 'strong')).toBe(false)
  expect(matchesEtag('"a"', 'W/"a"', 'weak')).toBe(true)
})

test('a long header is parsed in linear time', () => {
  const header = `${'"x"  \t  , '.repeat(20_000)}!`
  expect(matchesEtag(header, tag, 'weak')).toBe(false)
})
