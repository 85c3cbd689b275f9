import { expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { createAdmission } from './authenticator.ts'
import { parseTokens } from './token-table.ts'

const call = (headers: Record<string, string> = {}) => new Headers({ host: 'localhost', ...headers })

function codeOf(act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (thrown) {
    return Fault.of(thrown).code
  }
}

test('without tokens the caller is the local account, foreign pages are nobody', () => {
  const admission = createAdmission(undefined)
  expect(admission.auth).toBe('none')
  expect(admission.principalOf(call()).account).toBe('local')
  expect(admission.principalOf(call()).scopes.has('admin')).toBe(true)
  expect(codeOf(() => admission.principalOf(call({ origin: 'https://evil.example' })))).toBe('forbidden')
  expect(codeOf(() => admission.letIn(call({ host: 'evil.example' })))).toBe('forbidden')
})

test('with tokens the caller is who the token says, whatever the Host', () => {
  const admission = createAdmission(parseTokens('ann:secret-of-ann'))
  expect(admission.auth).toBe('token')
  const ann = admission.principalOf(call({ host: 'px.example', authorization: 'bearer secret-of-ann' }))
  expect(ann.account).toBe('ann')
  expect(ann.scopes.has('admin')).toBe(false)
  for (const authorization of [
    'Bearer wrong',
    'Bearer',
    'Basic YTpi',
    'secret-of-ann',
    'Bearer secret-of-ann x',
  ]) {
    expect(codeOf(() => admission.principalOf(call({ authorization })))).toBe('unauthenticated')
  }
  expect(codeOf(() => admission.principalOf(call()))).toBe('unauthenticated')
  expect(codeOf(() => admission.letIn(call({ host: 'px.example' })))).toBeUndefined()
})

test('a certificate counts until it ends, however long its connection lives', () => {
  const admission = createAdmission(undefined, 'require')
  expect(admission.auth).toBe('certificate')
  const shown = { account: 'ann', untilMs: Date.now() + 60_000 }
  expect(admission.principalOf(call({ host: 'px.example' }), shown).account).toBe('ann')
  const ended = { ...shown, untilMs: Date.now() - 1 }
  expect(codeOf(() => admission.principalOf(call(), ended))).toBe('unauthenticated')
  expect(codeOf(() => admission.principalOf(call()))).toBe('unauthenticated')
  const foreign = call({ host: 'px.example', origin: 'https://evil.example' })
  expect(codeOf(() => admission.principalOf(foreign, shown))).toBe('forbidden')
})

test('what a client is told to bring', () => {
  const tokens = parseTokens('ann:secret-of-ann')
  expect(createAdmission(tokens, 'optional').auth).toBe('token')
  expect(createAdmission(tokens, 'require').auth).toBe('certificate')
  expect(createAdmission(undefined, 'optional').auth).toBe('certificate')
})
