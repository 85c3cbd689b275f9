import { expect, test } from 'bun:test'
import { Fault } from '../fault.ts'
import { crop } from './crop.ts'

const area = (left: number, top: number, width: number, height: number) =>
  crop.schema.parse({ op: 'crop', left, top, width, height })
const photo = { width: 300, height: 200, alpha: true }

test('the result has the size of the area', () => {
  expect(crop.after(area(10, 20, 100, 50), photo)).toEqual({ width: 100, height: 50, alpha: true })
  expect(crop.after(area(0, 0, 300, 200), photo)).toEqual(photo)
})

test('the fault for an area outside the image names the side, the size and the remedy', () => {
  const faultOf = (...at: [number, number, number, number]) => {
    try {
      crop.after(area(...at), photo)
    } catch (thrown) {
      if (thrown instanceof Fault) return thrown.report()
    }
    throw new Error('it was accepted')
  }
  expect(faultOf(250, 0, 100, 100)).toMatchObject({
    code: 'processing_failed',
    field: 'width',
    detail: expect.stringContaining('300×200'),
    remedy: expect.stringContaining('at most 300'),
  })
  expect(faultOf(300, 0, 1, 1).field).toBe('left')
  expect(faultOf(0, 150, 10, 51).field).toBe('height')
  expect(faultOf(0, 200, 10, 1).field).toBe('top')
})
