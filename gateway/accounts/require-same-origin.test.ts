import { describe, expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { requireLocalOrigin, hostnameOf, hostnamesOf, isLoopback } from './require-same-origin.ts'

function outcomeOf(headers: Record<string, string>): string {
  try {
    requireLocalOrigin(new Headers(headers))
    return 'passes'
  } catch (thrown) {
    return thrown instanceof Fault ? `${thrown.code} ${thrown.hints.field}` : String(thrown)
  }
}

test.each(['localhost', 'LOCALHOST', 'pixelflow.localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])(
  '%s is loopback',
  (name) => expect(isLoopback(name)).toBe(true),
)
test.each([
  '0.0.0.0',
  '::',
  '192.168.1.4',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'evil',
  '1270.0.0.1',
  '127.999.999.999',
  '127.0.0.256',
])('%s is not', (name) => expect(isLoopback(name)).toBe(false))

test('reads host names with and without a port', () => {
  expect(['localhost:3000', 'a.b', '[::1]:80', '[::1]'].map(hostnameOf)).toEqual([
    'localhost',
    'a.b',
    '[::1]',
    '[::1]',
  ])
  expect(['', 'a:b', 'user@localhost', 'localhost/x', '::1', 'localhost localhost'].map(hostnameOf)).toEqual(
    Array<undefined>(6).fill(undefined),
  )
})

test('reads lists of addresses, all of which must be valid', () => {
  expect(hostnamesOf('127.0.0.1:1,[::1]:2')).toEqual(['127.0.0.1', '[::1]'])
  expect(['', '127.0.0.1:1,', ',', 'localhost,user@localhost', null].map(hostnamesOf)).toEqual(
    Array<undefined>(5).fill(undefined),
  )
})

describe('an unauthenticated call', () => {
  const host = 'localhost:3000'
  test.each([
    'Forwarded',
    'Via',
    'X-Real-IP',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Proto',
    'X-Forwarded-Server',
    'CF-Connecting-IP',
  ])('with %s was forwarded by a proxy', (name) =>
    expect(outcomeOf({ host, [name]: 'x' })).toBe(`forbidden ${name.toLowerCase()}`),
  )

  test.each([
    ['from a gRPC client with a list of addresses', { host: '127.0.0.1:1,127.0.0.1:2' }, 'passes'],
    [
      'with an address of another machine in the list',
      { host: '127.0.0.1:1,192.0.2.1:2' },
      'forbidden @host',
    ],
    ['from a program', { host }, 'passes'],
    ['by address', { host: '127.0.0.1:3000' }, 'passes'],
    ['by IPv6 address', { host: '[::1]:3000' }, 'passes'],
    ['from our page', { host, origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' }, 'passes'],
    ['with an address typed by the user', { host, 'sec-fetch-site': 'none' }, 'passes'],
    [
      'by a followed link',
      { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
      'passes',
    ],
    ['without Host', {}, 'forbidden @host'],
    ['under a name of another host (DNS rebinding)', { host: 'evil.example:3000' }, 'forbidden @host'],
    ['to an address of the network', { host: '192.168.1.4:3000' }, 'forbidden @host'],
    ['from a page of another origin', { host, origin: 'https://evil.example' }, 'forbidden @origin'],
    ['from an origin on another port', { host, origin: 'http://localhost:8080' }, 'forbidden @origin'],
    [
      'from a page under another name of this machine',
      { host, origin: 'http://127.0.0.1:3000' },
      'forbidden @origin',
    ],
    ['from a sandboxed page', { host, origin: 'null' }, 'forbidden @origin'],
    [
      'from an image tag of another origin',
      { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      'forbidden @fetch_site',
    ],
    [
      'from a frame',
      { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
      'forbidden @fetch_site',
    ],
    [
      'from a page on another port',
      { host, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' },
      'forbidden @fetch_site',
    ],
  ])('%s', (_, headers, expected) => expect(outcomeOf(headers as Record<string, string>)).toBe(expected))
})
