import { z } from 'zod'
import {
  pictureOperation,
  previewScale,
  type CompositeValue,
  type Picture,
  type PreviewContext,
} from '../recipe/operation.ts'
import { colorParameter, isOpaqueColor } from './parameters/color-parameter.ts'
import { maxSide } from './parameters/max-side.ts'

const fits = ['inside', 'cover', 'contain', 'fill', 'outside'] as const

/** Positions of the picture in its box, with sharp's name for each. */
const positions = {
  center: 'centre',
  top: 'top',
  'top-right': 'right top',
  right: 'right',
  'bottom-right': 'right bottom',
  bottom: 'bottom',
  'bottom-left': 'left bottom',
  left: 'left',
  'top-left': 'left top',
  entropy: 'entropy',
  attention: 'attention',
} as const
type Position = keyof typeof positions

const side = (title: string, other: string) =>
  z
    .int()
    .min(1)
    .max(maxSide)
    .optional()
    .meta({
      title,
      description: `Pixels. Default: derived from the ${other} by the aspect ratio.`,
    })

const schema = z
  .strictObject({
    op: z.literal('resize'),
    width: side('Width', 'height'),
    height: side('Height', 'width'),
    fit: z
      .enum(fits)
      .default('inside')
      .meta({
        title: 'Fit',
        description:
          'How the image fits into width and height: inside = as large as fits, cover = fills the ' +
          'box and is cropped, contain = fits and is padded, fill = stretched, outside = the smallest size that covers it.',
      }),
    enlarge: z.boolean().default(false).meta({
      title: 'Enlarge',
      description: 'Allow upscaling. Without it the image is never enlarged.',
    }),
    position: z
      .enum(Object.keys(positions) as [Position, ...Position[]])
      .default('center')
      .meta({
        title: 'Position',
        description:
          'The part that cover keeps, or the place of the image for contain; with cover also entropy (the busiest part) or ' +
          'attention (faces, colours, sharp edges).',
      }),
    background: colorParameter('#00000000', 'Background', 'Colour of the padding that contain adds.'),
    kernel: z
      .enum(['nearest', 'linear', 'cubic', 'mitchell', 'lanczos2', 'lanczos3'])
      .default('lanczos3')
      .meta({
        title: 'Kernel',
        description: 'How pixels are resampled; nearest keeps pixel art crisp.',
      }),
  })
  .refine((step) => step.width !== undefined || step.height !== undefined, {
    path: ['width'],
    error: 'width and height are both missing',
    params: { remedy: `Set width, height or both to a whole number from 1 to ${maxSide}.` },
  })
  .refine((step) => step.fit === 'cover' || (step.position !== 'entropy' && step.position !== 'attention'), {
    path: ['position'],
    error: 'the positions entropy and attention require fit cover',
    params: { remedy: 'Set fit to cover, or choose another position.' },
  })
type Resize = z.output<typeof schema>

/** `800x600`; `800` or `800x` sets only the width, `x600` only the height. */
const size: CompositeValue = {
  usage: '<width>x<height>',
  parameters: ['width', 'height'],
  read: (text) => {
    const [width = '', height = '', ...more] = text.split('x')
    if (more.length > 0) return undefined
    return { ...(width === '' ? {} : { width }), ...(height === '' ? {} : { height }) }
  },
  write: ({ width, height }) => {
    if (width === undefined && height === undefined) return undefined
    return height === undefined
      ? String(width)
      : `${width === undefined ? '' : String(width)}x${String(height)}`
  },
}

/** Resizes the picture. */
export const resize = pictureOperation({
  schema,
  title: 'Resize',
  summary: 'Scales the image down, or up if enlarging is allowed.',
  section: 'geometry',
  order: 1,
  positional: [size, 'fit', 'position'],
  examples: [
    'resize:800',
    'resize:x600',
    'resize:800x600:cover:attention',
    'resize:400x400:contain:background=white',
  ],
  notes:
    'If only width or height is given, the other follows from the aspect ratio, for every fit. Without `enlarge` images ' +
    'are never enlarged: `inside`, `outside` and `fill` stop at the size of the image, `cover` crops to the part of the ' +
    'box that the image covers, and `contain` pads on all sides. An SVG has no pixels to scale: if this is its first ' +
    'step that changes pixels, it is rendered at the requested size, also a larger one.\n\n' +
    'In the text form `resize:800` sets the width, `resize:x600` the height, and `resize:800x600` both.',
  slot: (step) => {
    const box = boxOf(step)
    return box !== undefined && (step.fit === 'cover' || step.fit === 'contain') ? step.fit : 'scale'
  },
  after: (step, before) => {
    const { width, height } = sizeAfter(step, before)
    const pads = step.fit === 'contain' && boxOf(step) !== undefined
    return { width, height, alpha: before.alpha || (pads && !isOpaqueColor(step.background)) }
  },
  apply: (pipeline, step, before) => {
    const target = sizeAfter(step, before)
    const { kernel, background } = step
    if (boxOf(step) !== undefined && step.fit === 'cover') {
      return pipeline.resize({ ...target, kernel, fit: 'cover', position: positions[step.position] })
    }
    if (boxOf(step) !== undefined && step.fit === 'contain') {
      const position = positions[step.position]
      return pipeline.resize({
        ...target,
        kernel,
        fit: 'contain',
        position,
        background,
        withoutEnlargement: !mayGrow(step, before),
      })
    }
    // Both sides are set, because with shrink-on-load a decoder may round a side that is left out differently.
    return pipeline.resize({ ...target, kernel, fit: 'fill' })
  },
  parts: (step, before) => {
    const box = boxOf(step)
    if (box === undefined || step.fit !== 'contain' || before.isVector === true) return [step]
    // Scaled first and padded in a separate step, so that the padding has exactly the requested colour.
    const inside = scaled(before, insideGrowth(step, step.fit, before, box)[0] ?? 1)
    const scaling: Resize = { ...step, ...inside, fit: 'fill', enlarge: true }
    return [scaling, step]
  },
  // libvips averages blocks down to twice the target size; four times that size loses nothing that the result keeps.
  preShrinkSize: (step, before) => {
    const target = sizeAfter(step, before)
    const factor = Math.min(before.width / target.width, before.height / target.height) / 4
    if (step.kernel === 'nearest' || factor < 2) return undefined
    return { width: Math.ceil(before.width / factor), height: Math.ceil(before.height / factor) }
  },
  // As in libvips, the input of the kernel is at least twice as large as its output.
  blockSize: (step, before) => {
    if (step.kernel === 'nearest') return 1
    const { width, height } = sizeAfter(step, before)
    return Math.max(1, Math.floor(Math.min(before.width / width, before.height / height) / 2))
  },
  rasterSize: (step, before) => {
    const target = sizeAfter(step, before)
    if (boxOf(step) === undefined || (step.fit !== 'cover' && step.fit !== 'contain')) return target
    return scaled(before, insideGrowth(step, step.fit, before, target)[0] ?? 1)
  },
  scaleForPreview: scaleResizeForPreview,
  // Enlarging shifts the picture by a fraction of a pixel in one direction, and `nearest` breaks ties in one direction.
  flipSensitive: (step, before) => {
    const { width, height } = sizeAfter(step, before)
    return step.kernel === 'nearest' || width > before.width || height > before.height
  },
})

/**
 * The step for the copy. If the copy has more detail than the scaled-down result needs, the preview's result is larger,
 * up to the full size of the real result, so that the effect of later steps is shown at full scale.
 */
function scaleResizeForPreview(step: Resize, { before, copy, maxPixels }: PreviewContext): Resize[] {
  const target = sizeAfter(step, before)
  const keepsFit = boxOf(step) !== undefined && (step.fit === 'cover' || step.fit === 'contain')
  const fit: Resize['fit'] = keepsFit ? step.fit : 'fill'
  const growth = insideGrowth(step, fit, before, target)
  const scale = Math.min(
    1,
    // Where the step reduces the picture, the copy can be reduced by less.
    ...growth.map((grown) => previewScale({ before, copy }) * Math.max(1, 1 / grown)),
    Math.sqrt(maxPixels / (target.width * target.height)),
  )
  const resized = { ...step, fit, ...scaled(target, scale), enlarge: mayGrow(step, before) }
  if (fit !== 'contain') return [{ ...resized, enlarge: true }]
  // `contain` only pads here, so a copy that is too large for its box is reduced first.
  const [grown = 1] = growth
  const inside = scaled(before, grown * scale)
  const isTooLarge = !mayGrow(step, before) && grown === 1 && inside.width + 1 < copy.width
  return isTooLarge ? [{ ...step, ...inside, fit: 'fill', enlarge: false }, resized] : [resized]
}

/** The scale factors of the picture inside its box: one for both sides, or one for each side. */
function insideGrowth(step: Resize, fit: Resize['fit'], before: Picture, target: Size): readonly number[] {
  const [across, down] = [target.width / before.width, target.height / before.height]
  if (fit === 'cover') return [Math.max(across, down)]
  if (fit !== 'contain') return [across, down]
  const grown = Math.min(across, down)
  return [mayGrow(step, before) ? grown : Math.min(1, grown)]
}

interface Size {
  readonly width: number
  readonly height: number
}

function boxOf(step: Resize): Size | undefined {
  const { width, height } = step
  return width === undefined || height === undefined ? undefined : { width, height }
}

function sizeAfter(step: Resize, before: Picture): Size {
  const box = boxOf(step)
  if (box === undefined) return scaled(before, growthOf(step, before))
  const cap = (wanted: number, has: number) => (mayGrow(step, before) ? wanted : Math.min(wanted, has))
  switch (step.fit) {
    case 'contain':
      return box
    case 'cover':
    case 'fill':
      return { width: cap(box.width, before.width), height: cap(box.height, before.height) }
    case 'inside':
    case 'outside':
      return scaled(before, growthOf(step, before))
  }
}

/** The scale factor of both sides when the proportions are kept. */
function growthOf(step: Resize, before: Picture): number {
  const scales = [
    ...(step.width === undefined ? [] : [step.width / before.width]),
    ...(step.height === undefined ? [] : [step.height / before.height]),
  ]
  const scale = step.fit === 'outside' ? Math.max(...scales) : Math.min(...scales)
  return mayGrow(step, before) ? scale : Math.min(1, scale)
}

/** Whether the step may enlarge the picture. A drawing can be rasterized at any size without loss. */
function mayGrow({ enlarge }: Resize, { isVector = false }: Picture): boolean {
  return enlarge || isVector
}

function scaled({ width, height }: Size, scale: number): Size {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}
