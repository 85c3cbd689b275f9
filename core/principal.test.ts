import { expect, test } from 'bun:test'
import { Fault } from './fault.ts'
import { accountId, requireScope, localAccount, createPrincipal, scopes } from './principal.ts'

test('an account id contains only safe characters', () => {
  for (const good of [localAccount, 'a', 'team-7_x', '0', 'x'.repeat(64)])
    expect(accountId.parse(good)).toBe(good)
  for (const bad of ['', 'A', 'a.b', 'a b', 'a/b', '*', '>', '..', 'ä', 'a\n', 'x'.repeat(65)]) {
    expect(accountId.safeParse(bad).success).toBe(false)
  }
})

test('a principal without explicit scopes has every scope except admin', () => {
  const everything = createPrincipal('a')
  for (const scope of scopes) expect(() => requireScope(everything, scope)).not.toThrow()
  expect(() => requireScope(everything, 'admin')).toThrow(Fault)
  expect(() => requireScope(createPrincipal('a', [...scopes, 'admin']), 'admin')).not.toThrow()
  const reader = createPrincipal('a', ['tasks:read'])
  expect(() => requireScope(reader, 'tasks:read')).not.toThrow()
  expect(() => requireScope(createPrincipal('a', []), 'tasks:read')).toThrow(Fault)
})

test('the fault names the missing scope', () => {
  try {
    requireScope(createPrincipal('a', ['tasks:read']), 'images:write')
    throw new Error('it was allowed')
  } catch (thrown) {
    expect(Fault.of(thrown).report()).toMatchObject({
      code: 'forbidden',
      detail: expect.stringContaining('images:write'),
    })
  }
})

test('an invalid account id is rejected', () => {
  expect(() => createPrincipal('tasks.>')).toThrow()
})
