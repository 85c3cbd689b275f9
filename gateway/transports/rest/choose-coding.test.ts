import { expect, test } from 'bun:test'
import { chooseCoding, refusesIdentity, type Coding } from './choose-coding.ts'

const existing = ['br', 'zstd', 'gzip'] as const

test.each<[string, string | null, Coding | undefined]>([
  ['no header', null, undefined],
  ['an empty header', '', undefined],
  ['the header of browsers', 'gzip, deflate, br, zstd', 'br'],
  ['one coding', 'gzip', 'gzip'],
  ['the former name of gzip', 'x-gzip', 'gzip'],
  ['names in upper case, without spaces', 'DEFLATE,GZIP;Q=0.5', 'gzip'],
  ['a coding that does not exist', 'compress, deflate', undefined],
  ['the highest weight', 'br;q=0.4, gzip;q=0.9, zstd;q=0.8', 'gzip'],
  ['a refused coding', 'br;q=0, gzip', 'gzip'],
  ['a coding refused with decimals', 'br;q=0.000', undefined],
  ['any coding', '*', 'br'],
  ['any coding but one', 'br;q=0, *;q=0.1', 'zstd'],
  ['nothing', '*;q=0', undefined],
  ['identity alone', 'identity', undefined],
  ['identity preferred', 'gzip;q=0.5, identity', undefined],
  ['identity with the same weight', 'gzip, identity', 'gzip'],
  ['identity refused', 'identity;q=0, gzip;q=0.1', 'gzip'],
  ['identity and everything else refused', 'gzip, *;q=0', 'gzip'],
  ['an invalid weight', 'br;q=yes, gzip;q=2, zstd;q=0.1234', undefined],
  ['a parameter before the weight', 'br;level=1;q=0, gzip', 'gzip'],
  ['empty elements', ', ,gzip,', 'gzip'],
])('%s: %p gives %p', (_, accepted, coding) => {
  expect(chooseCoding(accepted, existing)).toBe(coding)
})

test('only a coding that exists is chosen', () => {
  expect(chooseCoding('br, gzip;q=0.5', ['gzip'])).toBe('gzip')
  expect(chooseCoding('br', [])).toBeUndefined()
})

test('a client refuses identity by its weight or by that of all codings', () => {
  for (const header of ['identity;q=0', 'gzip, identity; q=0.0', '*;q=0', 'gzip, *;q=0'])
    expect([header, refusesIdentity(header)]).toEqual([header, true])
  for (const header of [null, '', 'gzip', 'gzip;q=0', 'identity;q=0.1', 'identity, *;q=0', '*;q=0.5'])
    expect([header, refusesIdentity(header)]).toEqual([header, false])
})
