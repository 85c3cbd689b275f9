import { describe, expect, test } from 'bun:test'
import sharp from 'sharp'
import { resize } from './resize.ts'

const { schema } = resize
const step = (params: Record<string, unknown>) => schema.parse({ op: 'resize', ...params })
const photo = { width: 300, height: 200, alpha: false }
const sizeOf = (params: Record<string, unknown>, before = photo) => {
  const { width, height } = resize.after(step(params), before)
  return `${width}x${height}`
}

describe('the size', () => {
  test('keeps the proportions when one side is given, with every fit', () => {
    for (const fit of ['inside', 'outside', 'cover', 'contain', 'fill']) {
      expect(sizeOf({ width: 150, fit })).toBe('150x100')
      expect(sizeOf({ height: 50, fit })).toBe('75x50')
    }
  })

  test('follows from the fit when both sides are given', () => {
    expect(sizeOf({ width: 100, height: 100 })).toBe('100x67')
    expect(sizeOf({ width: 100, height: 100, fit: 'outside' })).toBe('150x100')
    expect(sizeOf({ width: 100, height: 100, fit: 'cover' })).toBe('100x100')
    expect(sizeOf({ width: 100, height: 100, fit: 'contain' })).toBe('100x100')
    expect(sizeOf({ width: 100, height: 100, fit: 'fill' })).toBe('100x100')
  })

  test('grows only with enlarge', () => {
    expect(sizeOf({ width: 600 })).toBe('300x200')
    expect(sizeOf({ width: 600, height: 100, fit: 'cover' })).toBe('300x100')
    expect(sizeOf({ width: 600, height: 100, fit: 'fill' })).toBe('300x100')
    expect(sizeOf({ width: 600, height: 100, fit: 'outside' })).toBe('300x200')
    expect(sizeOf({ width: 600, height: 600, fit: 'contain' })).toBe('600x600')
    expect(sizeOf({ width: 600, enlarge: true })).toBe('600x400')
    expect(sizeOf({ width: 600, height: 600, fit: 'cover', enlarge: true })).toBe('600x600')
  })

  test('is at least one pixel', () => {
    expect(sizeOf({ width: 1 }, { width: 3000, height: 2, alpha: false })).toBe('1x1')
  })

  test('is exact with shrink-on-load of a large JPEG', async () => {
    const before = { width: 2011, height: 1501, alpha: false }
    const blank = sharp({ create: { ...before, channels: 3, background: '#123456' } })
    const jpeg = await blank.jpeg().toBuffer()
    for (const params of [
      { width: 101 },
      { height: 77 },
      { width: 100, height: 60, fit: 'outside' },
      { width: 333 },
    ]) {
      const { info } = await resize
        .apply(sharp(jpeg), step(params), before)
        .raw()
        .toBuffer({ resolveWithObject: true })
      expect(`${info.width}x${info.height}`).toBe(sizeOf(params, before))
    }
  })
})

test('transparent padding gives the picture alpha', () => {
  const box = { width: 100, height: 100, fit: 'contain' }
  expect(resize.after(step(box), photo).alpha).toBe(true)
  expect(resize.after(step({ ...box, background: 'white' }), photo).alpha).toBe(false)
  expect(resize.after(step({ ...box, fit: 'cover' }), photo).alpha).toBe(false)
})

test('position selects the part that cover keeps', async () => {
  const half = { create: { width: 20, height: 20, channels: 3, background: 'red' } } as const
  const right = await sharp(half).png().toBuffer()
  const twoHalves = sharp({ create: { width: 40, height: 20, channels: 3, background: 'blue' } })
  const picture = await twoHalves
    .composite([{ input: right, left: 20, top: 0 }])
    .png()
    .toBuffer()
  const before = { width: 40, height: 20, alpha: false }
  const kept = async (position: string) => {
    const params = step({ width: 20, height: 20, fit: 'cover', position })
    return [...(await resize.apply(sharp(picture), params, before).raw().toBuffer()).subarray(0, 3)]
  }
  expect(await kept('left')).toEqual([0, 0, 255])
  expect(await kept('bottom-right')).toEqual([255, 0, 0])
})

test('requires a side, and fit cover for the positions entropy and attention', () => {
  expect(schema.safeParse({ op: 'resize' }).success).toBe(false)
  expect(schema.safeParse({ op: 'resize', width: 0 }).success).toBe(false)
  expect(schema.safeParse({ op: 'resize', width: 10.5 }).success).toBe(false)
  expect(schema.safeParse({ op: 'resize', width: 10, position: 'attention' }).success).toBe(false)
  expect(schema.safeParse({ op: 'resize', width: 10, position: 'attention', fit: 'cover' }).success).toBe(
    true,
  )
})
