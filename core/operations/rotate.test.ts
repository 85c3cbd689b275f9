import { expect, test } from 'bun:test'
import sharp from 'sharp'
import { rotate } from './rotate.ts'

const turned = (angle: number, background = 'transparent') =>
  rotate.schema.parse({ op: 'rotate', angle, background })
const photo = { width: 30, height: 20, alpha: false }

test('a quarter turn swaps the sides, and a full turn changes nothing', () => {
  expect(rotate.after(turned(90), photo)).toEqual({ width: 20, height: 30, alpha: false })
  expect(rotate.after(turned(-180), photo)).toEqual(photo)
  expect(rotate.slot(turned(-90))).toBe('turn')
  expect(rotate.slot(turned(0))).toBeNull()
  expect(rotate.slot(turned(-360))).toBeNull()
})

test('other angles fill the corners with the background', () => {
  expect(rotate.slot(turned(12.5))).toBe('rotate')
  expect(rotate.after(turned(45), photo).alpha).toBe(true)
  expect(rotate.after(turned(45, 'white'), photo).alpha).toBe(false)
})

test('the predicted canvas size is exact', async () => {
  for (let angle = -359.5; angle < 360; angle += 7.25) {
    const step = turned(angle, 'black')
    const blank = sharp({ create: { width: 31, height: 17, channels: 3, background: 'red' } })
    const { info } = await rotate.apply(blank, step, photo).raw().toBuffer({ resolveWithObject: true })
    const after = rotate.after(step, { width: 31, height: 17, alpha: false })
    expect({ angle, width: info.width, height: info.height }).toEqual({
      angle,
      width: after.width,
      height: after.height,
    })
  }
})

test('turns clockwise', async () => {
  const pixels = Uint8Array.of(255, 0, 0, 0, 255, 0)
  const source = sharp(pixels, { raw: { width: 2, height: 1, channels: 3 } })
  const below = await rotate.apply(source, turned(90), { width: 2, height: 1, alpha: false }).raw().toBuffer()
  expect([...below]).toEqual([255, 0, 0, 0, 255, 0])
})
