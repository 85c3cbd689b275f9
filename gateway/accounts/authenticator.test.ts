import { expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { createAuthenticator } from './authenticator.ts'
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

test('without tokens the principal is the local account, and pages of other origins are refused', () => {
  const authenticator = createAuthenticator(undefined)
  expect(authenticator.auth).toBe('none')
  expect(authenticator.authenticate(call()).account).toBe('local')
  expect(authenticator.authenticate(call()).scopes.has('admin')).toBe(true)
  expect(codeOf(() => authenticator.authenticate(call({ origin: 'https://evil.example' })))).toBe('forbidden')
  expect(codeOf(() => authenticator.checkOrigin(call({ host: 'evil.example' })))).toBe('forbidden')
})

test('with tokens the token decides the principal, for every Host', () => {
  const authenticator = createAuthenticator(parseTokens('ann:secret-of-ann'))
  expect(authenticator.auth).toBe('token')
  const ann = authenticator.authenticate(call({ host: 'px.example', authorization: 'bearer secret-of-ann' }))
  expect(ann.account).toBe('ann')
  expect(ann.scopes.has('admin')).toBe(false)
  for (const authorization of [
    'Bearer wrong',
    'Bearer',
    'Basic YTpi',
    'secret-of-ann',
    'Bearer secret-of-ann x',
  ]) {
    expect(codeOf(() => authenticator.authenticate(call({ authorization })))).toBe('unauthenticated')
  }
  expect(codeOf(() => authenticator.authenticate(call()))).toBe('unauthenticated')
  expect(codeOf(() => authenticator.checkOrigin(call({ host: 'px.example' })))).toBeUndefined()
})

test('a certificate is valid until it expires, also on an open connection', () => {
  const authenticator = createAuthenticator(undefined, 'require')
  expect(authenticator.auth).toBe('certificate')
  const certificate = { account: 'ann', untilMs: Date.now() + 60_000 }
  expect(authenticator.authenticate(call({ host: 'px.example' }), certificate).account).toBe('ann')
  const expired = { ...certificate, untilMs: Date.now() - 1 }
  expect(codeOf(() => authenticator.authenticate(call(), expired))).toBe('unauthenticated')
  expect(codeOf(() => authenticator.authenticate(call()))).toBe('unauthenticated')
  const foreign = call({ host: 'px.example', origin: 'https://evil.example' })
  expect(codeOf(() => authenticator.authenticate(foreign, certificate))).toBe('forbidden')
})

test('reports the credentials that a client needs', () => {
  const tokens = parseTokens('ann:secret-of-ann')
  expect(createAuthenticator(tokens, 'optional').auth).toBe('token')
  expect(createAuthenticator(tokens, 'require').auth).toBe('certificate')
  expect(createAuthenticator(undefined, 'optional').auth).toBe('certificate')
})
