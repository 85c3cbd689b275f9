import { describe, expect, test } from 'bun:test'
import { frame, frameTypes as types, message, reset, startCall } from '../../../testing/raw-http2.ts'
import { createFrameSlicer, sliceWeight } from './frame-slicer.ts'

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const path = '/pixelflow.v1.ImageService/GetVersion'
const call = (at: number) => startCall(2 * at + 1, path, 'localhost')
const calls = (count: number) => Array.from({ length: count }, (_, at) => call(at))

/** All slices of the bytes. */
function slicesOf(bytes: Uint8Array, slicer = createFrameSlicer()): Buffer[] {
  const slices: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const { end } = slicer.next(bytes, at, sliceWeight)
    slices.push(Buffer.from(bytes.subarray(at, end)))
    at = end
  }
  return slices
}

describe('bytes of a connection are cut', () => {
  test('after 16 calls, between two frames', () => {
    const [first, ...others] = slicesOf(Buffer.concat([preface, ...calls(40)]))
    expect(first).toEqual(Buffer.concat([preface, ...calls(16)]))
    expect(Buffer.concat(others)).toEqual(Buffer.concat(calls(40).slice(16)))
    expect(others).toHaveLength(2)
  })

  test('after 16 resets', () => {
    const resets = Array.from({ length: 32 }, (_, at) => reset(2 * at + 1))
    expect(slicesOf(Buffer.concat([preface, ...resets]))).toHaveLength(2)
  })

  test('after 256 small frames of data, and not within large ones', () => {
    const small = Array.from({ length: 512 }, () => message(1, Buffer.alloc(20), 0))
    expect(slicesOf(Buffer.concat([preface, ...small]))).toHaveLength(2)
    const large = Array.from({ length: 64 }, () => frame(types.data, 0, 1, Buffer.alloc(16_384)))
    expect(slicesOf(Buffer.concat([preface, ...large]))).toHaveLength(1)
  })

  test('at the same places when they arrive byte by byte', () => {
    const slicer = createFrameSlicer()
    const bytes = Buffer.concat([preface, ...calls(3), message(1, Buffer.alloc(300))])
    const weights = Array.from(bytes, (byte) => slicer.next(Uint8Array.of(byte), 0, sliceWeight).weight)
    expect(weights.filter((weight) => weight > 0)).toEqual([16, 16, 16, 1])
  })
})
