import { z } from 'zod'
import type { OpenOperation } from '../recipe/operation.ts'

const schema = z.strictObject({
  op: z.literal('orient'),
  auto: z.boolean().default(true).meta({
    title: 'Automatic',
    description: 'Rotate the image upright by its EXIF orientation.',
  }),
})

/** Selects whether the picture is turned upright by its EXIF orientation before all other steps. */
export const orient: OpenOperation<typeof schema> = {
  schema,
  place: 'first',
  title: 'Orient',
  summary:
    'Rotates the image upright by its EXIF orientation. This is the default; use the step to switch it off.',
  positional: ['auto'],
  examples: ['orient:false/resize:800'],
  notes:
    'Cameras store the pixels of the sensor and record the orientation as metadata. PixelFlow rotates every image ' +
    'upright first, so that widths, crops and flips refer to what is seen. With `orient:false` the stored pixels are ' +
    'used; the orientation is removed with the other metadata unless `format` keeps it.',
  apply: (pipeline, step) => (step.auto ? pipeline.autoOrient() : pipeline),
}
