import { z } from 'zod'
import { pictureOperation, type Picture } from '../recipe/operation.ts'
import { colorParameter, isOpaqueColor } from './parameters/color-parameter.ts'

const schema = z.strictObject({
  op: z.literal('rotate'),
  angle: z.number().min(-360).max(360).meta({
    title: 'Angle',
    description: 'Degrees clockwise; negative values rotate counter-clockwise.',
  }),
  background: colorParameter(
    '#00000000',
    'Background',
    'Colour of the corners that open at angles other than 90, 180, 270.',
  ),
})

/** Rotates the picture. */
export const rotate = pictureOperation({
  schema,
  title: 'Rotate',
  summary: 'Rotates the image clockwise by any angle.',
  section: 'geometry',
  order: 3,
  positional: ['angle', 'background'],
  examples: ['rotate:90', 'resize:800/rotate:-2.5:white'],
  notes:
    'The canvas grows so that nothing is cut off. The corners are transparent unless a background is given; if the ' +
    'format has no transparency, they get the background of `format`.',
  slot: (step) => {
    if (step.angle % 360 === 0) return null
    return step.angle % 90 === 0 ? 'turn' : 'rotate'
  },
  after: (step, before) => {
    if (step.angle % 180 === 0) return before
    if (step.angle % 90 === 0) return { ...before, width: before.height, height: before.width }
    return { ...boundingBox(before, step.angle), alpha: before.alpha || !isOpaqueColor(step.background) }
  },
  apply: (pipeline, step) => pipeline.rotate(step.angle, { background: step.background }),
})

/** The canvas size of a rotated picture in libvips: the extent of its corners, rounded once, after the subtraction. */
function boundingBox({ width, height }: Picture, degrees: number): { width: number; height: number } {
  const angle = (degrees * Math.PI) / 180
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const xs = [0, width * cos, -height * sin, width * cos - height * sin]
  const ys = [0, width * sin, height * cos, width * sin + height * cos]
  return { width: extent(xs), height: extent(ys) }
}

function extent(corners: readonly number[]): number {
  return Math.max(1, Math.floor(Math.max(...corners) - Math.min(...corners) + 0.5))
}
