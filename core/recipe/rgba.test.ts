import { expect, test } from 'bun:test'
import { dropAlphaInPlace, to16Bit, isOpaque, replaceColors, freePixels } from './rgba.ts'

const picture = (width: number, height: number, ...pixels: number[][]) => ({
  data: Uint8Array.from(pixels.flat()),
  width,
  height,
})

test('one slightly transparent pixel makes a picture transparent', () => {
  expect(isOpaque(picture(2, 1, [1, 2, 3, 255], [4, 5, 6, 255]))).toBe(true)
  expect(isOpaque(picture(2, 1, [1, 2, 3, 255], [4, 5, 6, 254]))).toBe(false)
  expect(isOpaque(picture(2, 1, [1, 2, 3, 0], [4, 5, 6, 255]))).toBe(false)
})

test('dropAlphaInPlace keeps the colours, in the same memory', () => {
  const whole = picture(2, 1, [1, 2, 3, 255], [4, 5, 6, 255])
  const { data, raw } = dropAlphaInPlace(whole)
  expect([...data]).toEqual([1, 2, 3, 4, 5, 6])
  expect(raw).toEqual({ width: 2, height: 1, channels: 3 })
  expect(data.buffer).toBe(whole.data.buffer)
})

test('a level becomes the middle of its 256 values, and alpha uses half of its range', () => {
  const { data } = to16Bit(picture(2, 1, [0, 128, 255, 255], [7, 8, 9, 0]), 1)
  expect([...data]).toEqual([128, 128 * 256 + 128, 255 * 256 + 128, 32_767, 7 * 256 + 128, 2176, 2432, 0])
})

test('a block becomes its mean, with colours weighted by alpha', () => {
  const { data, raw } = to16Bit(
    picture(
      4,
      2,
      [200, 100, 50, 255, 0, 0, 0, 0, 10, 20, 30, 1, 10, 20, 30, 2],
      [200, 100, 50, 1, 0, 0, 0, 0, 50, 20, 30, 3, 0, 0, 0, 0],
    ),
    2,
  )
  expect(raw).toEqual({ width: 2, height: 1, channels: 4 })
  expect([...data].map((value, i) => (i % 4 === 3 ? value : (value - 128) / 256))).toEqual([
    200,
    100,
    50,
    64 * 128.5,
    30,
    20,
    30,
    Math.floor(1.5 * 128.5),
  ])
})

test('blocks share pixels if a side is not a multiple of the block size', () => {
  const columns = [0, 0, 100, 200, 200].map((level) => [level, level, level, 255])
  const { data, raw } = to16Bit(picture(5, 3, ...columns, ...columns, ...columns), 2)
  expect(raw).toEqual({ width: 2, height: 1, channels: 4 })
  expect([data[0], data[4]].map((value = 0) => (value - 128) / 256)).toEqual([20, 180])
  expect([data[3], data[7]]).toEqual([32_767, 32_767])
})

test('transparent pixels keep their colour', () => {
  const whole = picture(2, 1, [1, 2, 3, 0], [4, 5, 6, 1])
  expect([...replaceColors(whole, new Uint8Array([9, 9, 9, 7, 8, 9])).data]).toEqual([1, 2, 3, 0, 7, 8, 9, 1])
})

test('freePixels frees a whole buffer, but not a shared one', () => {
  const own = new Uint16Array(4)
  freePixels(own)
  expect(own.length).toBe(0)
  const part = new Uint8Array(8).subarray(2, 4)
  freePixels(part)
  expect(part.length).toBe(2)
})
