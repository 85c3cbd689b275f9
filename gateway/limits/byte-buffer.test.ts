import { expect, test } from 'bun:test'
import { createByteBuffer } from './byte-buffer.ts'

test.each([1, 4096, 4097, 100_000, 1_000_000])(
  'the blocks of %d bytes are reserved until they are joined',
  (bytes) => {
    let charged = 0
    const buffer = createByteBuffer({
      acquire: (more) => void (charged += more),
      release: (less) => void (charged -= less),
    })
    const sent = Buffer.from(Array.from({ length: bytes }, (_, i) => i % 251))
    for (let at = 0; at < bytes; at += 999) {
      buffer.append(sent.subarray(at, at + 999))
      expect(charged).toBe(buffer.chargedBytes)
      expect(charged).toBeGreaterThanOrEqual(buffer.length)
    }
    const whole = buffer.finish()
    expect(whole.equals(sent)).toBe(true)
    // A single block is returned without a copy.
    expect(charged).toBe(whole.buffer.byteLength)
    expect([buffer.length, buffer.chargedBytes]).toEqual([0, 0])
  },
)
