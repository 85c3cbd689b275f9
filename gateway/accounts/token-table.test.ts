import { expect, test } from 'bun:test'
import { parseTokens } from './token-table.ts'

test('finds the account of a complete token only', () => {
  const table = parseTokens('ann:secret-of-ann, bob:secret:with:colons\n# comment\nann:second-of-ann\n')
  expect(table.size).toBe(3)
  expect(table.findPrincipal('secret-of-ann')?.account).toBe('ann')
  expect(table.findPrincipal('second-of-ann')?.account).toBe('ann')
  expect(table.findPrincipal('secret:with:colons')?.account).toBe('bob')
  expect(table.findPrincipal('secret-of-an')?.account).toBeUndefined()
  expect(table.findPrincipal('')?.account).toBeUndefined()
})

test('the suffix :admin grants the admin scope', () => {
  const table = parseTokens('ann:secret-of-ann,root:secret:of:root:admin')
  expect(table.findPrincipal('secret-of-ann')?.scopes.has('admin')).toBe(false)
  const root = table.findPrincipal('secret:of:root')
  expect(root?.account).toBe('root')
  expect([...(root?.scopes ?? [])]).toEqual(expect.arrayContaining(['admin', 'tasks:write']))
  expect(table.findPrincipal('secret:of:root:admin')).toBeUndefined()
})

test.each([
  ['', 'holds no pair'],
  ['ann', 'no colon between account and token in pair 1'],
  ['ann:a,Bob:b', 'account in pair 2'],
  ['ann:', 'token in pair 1'],
  ['ann::admin', 'token in pair 1'],
  ['ann:with space', 'token in pair 1'],
  ['ann:same-secret,bob:same-secret', 'same token for two accounts, in pairs 1 and 2'],
])('refuses %p without repeating a token', (text, problem) => {
  expect(() => parseTokens(text)).toThrow(problem)
  expect(() => parseTokens(text)).not.toThrow(/same-secret|with space/)
})
