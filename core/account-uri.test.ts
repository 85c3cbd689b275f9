import { expect, test } from 'bun:test'
import { parseAccountUris, accountUri } from './account-uri.ts'

test('one SPIFFE URI names the account', () => {
  expect(accountUri('ann')).toBe('spiffe://pixelflow/account/ann')
  expect(parseAccountUris(['https://elsewhere.example', accountUri('ann')])).toBe('ann')
  expect(() => accountUri('Ann')).toThrow('account id')
})

test.each([
  ['none', []],
  ['another kind', ['spiffe://pixelflow/gateway/ann']],
  ['another trust domain', ['spiffe://pixelflow.example/account/ann']],
  ['two accounts', [accountUri('ann'), accountUri('bob')]],
  ['an invalid account id', ['spiffe://pixelflow/account/Ann']],
  ['a longer path', ['spiffe://pixelflow/account/ann/admin']],
  ['a query', ['spiffe://pixelflow/account/ann?x']],
  ['an empty account id', ['spiffe://pixelflow/account/']],
])('no account for URIs: %s', (_, uris) => expect(parseAccountUris(uris)).toBeUndefined())
