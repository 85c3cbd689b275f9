import { expect, test } from 'bun:test'
import { createRequestMemory } from '../../../limits/request-memory.ts'
import { seeded } from '../../../testing/stress.ts'
import { createMessageDecoder, messageCharge } from '../message-decoder.ts'
import { createMessagePool } from './message-pool.ts'

const KiB = 1024

/** A message with its prefix. */
function framed(bytes: number, fill: number): Buffer {
  const frame = Buffer.alloc(5 + bytes, fill)
  frame[0] = 0
  frame.writeUInt32BE(bytes, 1)
  return frame
}

const free = { acquire: () => {}, release: () => {} }

function pooledDecoder(pool = createMessagePool(), charge = free) {
  return { pool, decoder: pool.decoder(4 * KiB * KiB, charge) }
}

test('messages of any size are decoded, however their bytes are split', () => {
  const random = seeded(3)
  const { decoder } = pooledDecoder()
  for (let round = 0; round < 200; round++) {
    const sizes = [0, 1, 15 * KiB, 16 * KiB, 64 * KiB, 256 * KiB, 400 * KiB].map((size) =>
      random() < 0.5 ? size : Math.floor(random() * (size + 1)),
    )
    const sent = sizes.map((size, fill) => framed(size, fill))
    const stream = Buffer.concat(sent)
    const received: Buffer[] = []
    for (let at = 0; at < stream.length;) {
      const cut = random() < 0.2 ? Math.ceil(random() * 7) : Math.ceil(random() * 40 * KiB)
      received.push(...decoder.write(stream.subarray(at, at + cut)))
      at += cut
    }
    expect(received.length).toBe(sent.length)
    expect(received.every((one, i) => one.equals(sent[i] ?? Buffer.alloc(0)))).toBe(true)
  }
})

test('a buffer is reused after its message is released, and not before', () => {
  const { pool, decoder } = pooledDecoder()
  const [first] = decoder.write(framed(256 * KiB, 1)) as [Buffer]
  const message = pool.track({}, first)
  const [second] = decoder.write(framed(256 * KiB, 2)) as [Buffer]
  expect(second.buffer).not.toBe(first.buffer)
  expect(first[100]).toBe(1)
  pool.release(message)
  pool.release(message)
  const [third] = decoder.write(framed(270 * KiB, 3)) as [Buffer]
  const [fourth] = decoder.write(framed(270 * KiB, 4)) as [Buffer]
  expect(third.buffer).toBe(first.buffer)
  expect(fourth.buffer).not.toBe(first.buffer)
  expect([second[100], third[100], fourth[100]]).toEqual([2, 3, 4])
})

test('the pool keeps a bounded number of free buffers', () => {
  const { pool, decoder } = pooledDecoder()
  const read = () => decoder.write(framed(256 * KiB, 1))[0] as Buffer
  const first = Array.from({ length: 100 }, read)
  for (const message of first.map((bytes) => pool.track({}, bytes))) pool.release(message)
  const old = new Set(first.map((bytes) => bytes.buffer))
  const again = Array.from({ length: 100 }, read).filter((bytes) => old.has(bytes.buffer))
  expect(again.length).toBeGreaterThan(20)
  expect(again.length).toBeLessThan(30)
})

test('a message that is too large is refused by its prefix, without a charge', () => {
  let taken = 0
  const charge = { ...free, acquire: (bytes: number) => void (taken += bytes) }
  const decoder = createMessageDecoder(100 * KiB, charge, (bytes) => Buffer.alloc((taken += bytes)))
  expect(() => decoder.write(framed(100 * KiB + 1, 0).subarray(0, 5))).toThrow('at most 102400 bytes')
  expect(taken).toBe(0)
})

test('a message is charged by its length, a large one by the bytes that have arrived', () => {
  let taken = 0
  const charge = {
    acquire: (bytes: number) => void (taken += bytes),
    release: (bytes: number) => void (taken -= bytes),
  }
  const decoder = createMessageDecoder(4 * KiB * KiB, charge)
  decoder.write(framed(256 * KiB, 1).subarray(0, 5))
  expect(taken).toBe(messageCharge(256 * KiB))
  expect(decoder.isInMessage).toBe(true)

  taken = 0
  const long = createMessageDecoder(4 * KiB * KiB, charge)
  const message = framed(4 * KiB * KiB, 2)
  long.write(message.subarray(0, 5))
  expect(taken).toBeLessThan(8 * KiB)
  for (let at = 5; at < 100 * KiB; at += 1) long.write(message.subarray(at, at + 1))
  expect(taken).toBeWithin(100 * KiB, 300 * KiB)
  expect(long.write(message.subarray(100 * KiB))[0]?.equals(message)).toBe(true)
  expect(taken).toBe(messageCharge(4 * KiB * KiB))
  expect(long.isInMessage).toBe(false)
})

test('a message is refused when the memory is full', () => {
  const charge = {
    ...free,
    acquire() {
      throw new Error('full')
    },
  }
  expect(() => createMessageDecoder(KiB, charge).write(framed(1, 0))).toThrow('full')
})

test.each([0, 1, 4, 16, 64, 319, 320, 330, 512, 513, 1024, 4096])(
  '100 messages of %d KiB leave no charge after their release',
  (size) => {
    const memory = createRequestMemory({ totalBytes: 64e6, perAccountBytes: 64e6, perPeerBytes: 64e6 })
    const reservation = memory.open({ account: 'ann', peer: '1.1.1.1' })
    const decoder = createMessageDecoder(4 * KiB * KiB, reservation)
    const message = framed(size * KiB, 1)
    for (let count = 0; count < 100; count++) {
      for (let at = 0; at < message.length; at += 50_000) decoder.write(message.subarray(at, at + 50_000))
      expect(memory.heldBytes).toBe(messageCharge(size * KiB))
      reservation.release(messageCharge(size * KiB))
      expect(memory.heldBytes).toBe(0)
    }
  },
)
