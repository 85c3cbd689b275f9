import { expect, test } from 'bun:test'
import { parseAccountUris, accountUri } from './account-uri.ts'

test('an account is named by one URI', () => {
  expect(accountUri('ann')).toBe('spiffe://pixelflow/account/ann')
  expect(parseAccountUris(['https://elsewhere.example', accountUri('ann')])).toBe('ann')
  expect(() => accountUri('Ann')).toThrow('account id')
})

test.each([
  ['none', []],
  ['of another kind', ['spiffe://pixelflow/gateway/ann']],
  ['of another domain', ['spiffe://pixelflow.example/account/ann']],
  ['two', [accountUri('ann'), accountUri('bob')]],
  ['no account id', ['spiffe://pixelflow/account/Ann']],
  ['a longer path', ['spiffe://pixelflow/account/ann/admin']],
  ['with a query', ['spiffe://pixelflow/account/ann?x']],
  ['empty', ['spiffe://pixelflow/account/']],
])('and by nothing else: %s', (_, uris) => expect(parseAccountUris(uris)).toBeUndefined())
