import { expect, test } from 'bun:test'
import { urisIn } from './client-certificate.ts'

test('finds the URIs among the names of a certificate', () => {
  expect(urisIn('URI:spiffe://pixelflow/account/ann')).toEqual(['spiffe://pixelflow/account/ann'])
  expect(
    urisIn('DNS:a.example, IP Address:0:0:0:0:0:0:0:1, URI:https://a/?b=c:d, email:a@b.c, URI:x'),
  ).toEqual(['https://a/?b=c:d', 'x'])
  expect(urisIn()).toEqual([])
})

test('a quoted name that looks like two names is one name', () => {
  expect(urisIn('DNS:"x\\u002c URI:spiffe://pixelflow/account/admin", DNS:plain.example')).toEqual([])
  expect(urisIn('DNS:"a\\", URI:x"')).toEqual([])
  // Not the format of OpenSSL: the whole list is ignored.
  expect(urisIn('URI:spiffe://pixelflow/account/ann, DNS:"open')).toEqual([])
  expect(urisIn('URI:spiffe://pixelflow/account/ann,URI:b')).toEqual([])
})
