import { expect, test } from 'bun:test'
import { createRequestMemory, networkOf } from './request-memory.ts'

const open = () => createRequestMemory({ totalBytes: 100, perAccountBytes: 60, perPeerBytes: 20 })

test('an account has its share, whatever address it comes from; so has an address of unknown callers', () => {
  const memory = open()
  const ann = [
    memory.open({ account: 'ann', peer: '1.1.1.1:1' }),
    memory.open({ account: 'ann', peer: '2.2.2.2' }),
  ]
  const [first, second] = ann
  first?.take(40)
  expect(() => second?.take(21)).toThrow('of this account')
  second?.take(20)
  const stranger = memory.open({ peer: '1.1.1.1:2' })
  stranger.take(20)
  expect(() => memory.open({ peer: '1.1.1.1:3' }).take(1)).toThrow('from this address')
  expect(() => memory.open({ account: 'bob', peer: '1.1.1.1' }).take(21)).toThrow('already hold 100 bytes')
  expect(memory.heldBytes).toBe(80)
})

test('what was given back or closed can be taken again, and nothing is given twice', () => {
  const memory = open()
  const held = memory.open({ account: 'ann', peer: '1.1.1.1' })
  held.take(60)
  held.give(10)
  held.take(10)
  held.close()
  held.close()
  held.give(10)
  held.take(1000)
  expect(memory.heldBytes).toBe(0)
  memory.open({ account: 'ann', peer: '1.1.1.1' }).take(60)
})

test('a refusal says when to try again, and which setting it was', () => {
  expect(() => open().open({ peer: 'x' }).take(21)).toThrow(
    expect.objectContaining({
      code: 'overloaded',
      place: { retryAfterMs: 1000, remedy: expect.stringContaining('PIXELFLOW_REQUEST_MEMORY_PER_PEER') },
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
