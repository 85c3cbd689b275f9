import { expect, test } from 'bun:test'
import { createRequestMemory, networkOf } from './request-memory.ts'

const open = () => createRequestMemory({ totalBytes: 640, perAccountBytes: 300, perPeerBytes: 50 })

test('an account has one share over all addresses; unauthenticated callers share by address', () => {
  const memory = open()
  const [first, second] = ['1.1.1.1:1', '2.2.2.2'].map((peer) => memory.open({ account: 'ann', peer }))
  first?.acquire(200)
  expect(() => second?.acquire(101)).toThrow('of this account')
  second?.acquire(100)
  memory.open({ peer: '1.1.1.1:2' }).acquire(50)
  expect(() => memory.open({ peer: '1.1.1.1:3' }).acquire(1)).toThrow('from this address')
  memory.open({ peer: '1.1.1.1:3', isProbe: true }).acquire(50)
  expect(memory.heldBytes).toBe(400)
})

test('the last eighth is reserved for small owners', () => {
  const memory = open()
  memory.open({ account: 'ann', peer: '1.1.1.1' }).acquire(300)
  memory.open({ account: 'bob', peer: '1.1.1.1' }).acquire(260)
  expect(() => memory.open({ account: 'bob', peer: '1.1.1.1' }).acquire(1)).toThrow('nearly all of 640 bytes')
  const small = ['cid', 'dee', 'eve', 'fay', 'gus', 'hal', 'ivy', 'joe'].map((account) =>
    memory.open({ account, peer: '1.1.1.1' }),
  )
  for (const one of small) one.acquire(10)
  expect(() => small[0]?.acquire(1)).toThrow('nearly all')
})

test('released bytes can be reserved again, and are released once only', () => {
  const memory = open()
  const held = memory.open({ account: 'ann', peer: '1.1.1.1' })
  held.acquire(300)
  held.release(10)
  held.acquire(10)
  held.close()
  held.close()
  held.release(10)
  held.acquire(1000)
  expect(memory.heldBytes).toBe(0)
  memory.open({ account: 'ann', peer: '1.1.1.1' }).acquire(300)
})

test('a refusal contains when to try again and the setting', () => {
  expect(() => open().open({ peer: 'x' }).acquire(51)).toThrow(
    expect.objectContaining({
      code: 'overloaded',
      hints: { retryAfterMs: 1000, remedy: expect.stringContaining('PIXELFLOW_REQUEST_MEMORY_PER_PEER') },
    }),
  )
})

test.each([
  ['127.0.0.1:50432', '127.0.0.1'],
  ['::1:50432', '0:0:0:0'],
  ['[2001:db8:1:2:3::4]:80', '2001:db8:1:2'],
  ['2001:db8:1:2:9:8:7:6:5000', '2001:db8:1:2'],
  ['::ffff:10.0.0.1:80', '10.0.0.1'],
  ['unknown', 'unknown'],
])('%s is of the network %s', (peer, network) => {
  expect(networkOf(peer)).toBe(network)
})
