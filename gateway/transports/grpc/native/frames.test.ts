import { expect, test } from 'bun:test'
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js'
import { seeded } from '../../../testing/storm.ts'
import { createDecoder, createFrames, type Decoder } from './frames.ts'

const KiB = 1024

/** A message as it is sent: whether it is compressed, its length, its bytes. */
function framed(bytes: number, fill: number): Buffer {
  const frame = Buffer.alloc(5 + bytes, fill)
  frame[0] = 0
  frame.writeUInt32BE(bytes, 1)
  return frame
}

/** What a call of grpc-js reads with after it was fitted. */
function fitted(frames = createFrames()) {
  const call = { decoder: { write: () => [] } }
  frames.fit(call as unknown as ServerInterceptingCallInterface, 4 * KiB * KiB)
  return { frames, decoder: call.decoder as Decoder }
}

test('messages of any size come whole, however their bytes are cut', () => {
  const random = seeded(3)
  const { decoder } = fitted()
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

test('memory is used again once a message was given back, and not before', () => {
  const { frames, decoder } = fitted()
  const [first] = decoder.write(framed(256 * KiB, 1)) as [Buffer]
  const message = frames.lend({}, first)
  const [second] = decoder.write(framed(256 * KiB, 2)) as [Buffer]
  expect(second.buffer).not.toBe(first.buffer)
  expect(first[100]).toBe(1)
  frames.giveBack(message)
  frames.giveBack(message)
  const [third] = decoder.write(framed(270 * KiB, 3)) as [Buffer]
  const [fourth] = decoder.write(framed(270 * KiB, 4)) as [Buffer]
  expect(third.buffer).toBe(first.buffer)
  expect(fourth.buffer).not.toBe(first.buffer)
  expect([second[100], third[100], fourth[100]]).toEqual([2, 3, 4])
})

test('what is kept for later is bounded', () => {
  const { frames, decoder } = fitted()
  const read = () => decoder.write(framed(256 * KiB, 1))[0] as Buffer
  const first = Array.from({ length: 100 }, read)
  for (const message of first.map((bytes) => frames.lend({}, bytes))) frames.giveBack(message)
  const old = new Set(first.map((bytes) => bytes.buffer))
  const again = Array.from({ length: 100 }, read).filter((bytes) => old.has(bytes.buffer))
  expect(again.length).toBeGreaterThan(20)
  expect(again.length).toBeLessThan(30)
})

test('a message that is too large is refused by its first bytes, and costs nothing', () => {
  let taken = 0
  const decoder = createDecoder(100 * KiB, (bytes) => Buffer.alloc((taken += bytes)))
  expect(() => decoder.write(framed(100 * KiB + 1, 0).subarray(0, 5))).toThrow('larger than max')
  expect(taken).toBe(0)
})

test('a grpc-js that reads elsewhere is refused', () => {
  const call = {} as unknown as ServerInterceptingCallInterface
  expect(() => createFrames().fit(call, 1)).toThrow('elsewhere')
})
