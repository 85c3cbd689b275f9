import { expect, test } from 'bun:test'
import { parseTokens } from './tokens.ts'

test('finds the account of a token, and only of a whole one', () => {
  const table = parseTokens('ann:secret-of-ann, bob:secret:with:colons\n# comment\nann:second-of-ann\n')
  expect(table.size).toBe(3)
  expect(table.accountOf('secret-of-ann')).toBe('ann')
  expect(table.accountOf('second-of-ann')).toBe('ann')
  expect(table.accountOf('secret:with:colons')).toBe('bob')
  expect(table.accountOf('secret-of-an')).toBeUndefined()
  expect(table.accountOf('')).toBeUndefined()
})

test.each([
  ['', 'holds no pair'],
  ['ann', 'no colon between account and token in pair 1'],
  ['ann:a,Bob:b', 'account in pair 2'],
  ['ann:', 'token in pair 1'],
  ['ann:with space', 'token in pair 1'],
  ['ann:same-secret,bob:same-secret', 'same token to two accounts, in pairs 1 and 2'],
])('refuses %p without repeating a token', (text, problem) => {
  expect(() => parseTokens(text)).toThrow(problem)
  expect(() => parseTokens(text)).not.toThrow(/same-secret|with space/)
})
