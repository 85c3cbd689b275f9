import { z } from 'zod'
import { Fault } from '../fault.ts'
import { pictureOperation } from '../recipe/operation.ts'
import { maxSide } from './parameters/max-side.ts'

const offset = (title: string, edge: string) =>
  z
    .int()
    .min(0)
    .max(maxSide)
    .meta({ title, description: `Pixels between the ${edge} edge and the area.` })

const side = (title: string) =>
  z
    .int()
    .min(1)
    .max(maxSide)
    .meta({ title, description: `${title} of the area, in pixels.` })

const schema = z.strictObject({
  op: z.literal('crop'),
  left: offset('Left', 'left'),
  top: offset('Top', 'top'),
  width: side('Width'),
  height: side('Height'),
})

/** Cuts a rectangle out of the picture. */
export const crop = pictureOperation({
  schema,
  title: 'Crop',
  summary: 'Crops the image to a rectangular area.',
  section: 'geometry',
  order: 2,
  positional: ['left', 'top', 'width', 'height'],
  examples: ['crop:100:50:640:480', 'resize:1200/crop:0:0:600:400/format:jpeg'],
  notes:
    'The area is in pixels of the image at this step: upright, and after all earlier steps. An area outside of the ' +
    'image fails the task with an error that states the image size. To crop to an aspect ratio without knowing the ' +
    'size, use `resize` with the fit `cover`.',
  slot: () => 'crop',
  after: ({ left, top, width, height }, before) => {
    check('left', left, width, before.width, 'wide', before)
    check('top', top, height, before.height, 'high', before)
    return { ...before, width, height }
  },
  scaleForPreview: (step, { before, copy }) => {
    const across = part(step.left, step.width, copy.width / before.width, copy.width)
    const down = part(step.top, step.height, copy.height / before.height, copy.height)
    return [{ ...step, left: across.from, width: across.length, top: down.from, height: down.length }]
  },
  apply: (pipeline, { left, top, width, height }) => pipeline.extract({ left, top, width, height }),
})

/** Scales an interval of pixels to a smaller copy. Both ends are rounded to whole pixels; the length is at least 1. */
function part(start: number, length: number, scale: number, available: number) {
  const from = Math.min(Math.round(start * scale), available - 1)
  return { from, length: Math.max(1, Math.min(Math.round((start + length) * scale), available) - from) }
}

function check(
  edge: 'left' | 'top',
  start: number,
  length: number,
  available: number,
  dimension: 'wide' | 'high',
  picture: { width: number; height: number },
): void {
  if (start + length <= available) return
  const size = `${picture.width}×${picture.height}`
  const side = edge === 'left' ? 'width' : 'height'
  const field = start >= available ? edge : side
  throw new Fault(
    'processing_failed',
    `The crop area ends outside the image: ${edge} ${start} + ${side} ${length} = ${start + length}, ` +
      `but the image is ${available} pixels ${dimension} at this step (${size}).`,
    { field, remedy: `Set ${edge} and ${side} so that their sum is at most ${available}.` },
  )
}
