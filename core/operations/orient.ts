import { z } from 'zod'
import type { OpenOperation } from './operation.ts'

const schema = z.strictObject({
  op: z.literal('orient'),
  auto: z.boolean().default(true).meta({
    title: 'Automatic',
    description: 'Turn the picture upright by the orientation its file states (EXIF).',
  }),
})

/** Selects whether the picture is turned upright by its EXIF orientation before all other steps. */
export const orient: OpenOperation<typeof schema> = {
  schema,
  place: 'first',
  title: 'Orient',
  summary:
    'Turns the picture upright as its file says. Happens by itself; this step is there to switch it off.',
  positional: ['auto'],
  examples: ['orient:false/resize:800'],
  notes:
    'Cameras store pictures as the sensor saw them and write down how they were held. PixelFlow turns every picture ' +
    'upright first, so that widths, crops and flips mean what is seen. With `orient:false` the stored pixels are ' +
    'taken as they lie; the note in the file is dropped with the other metadata unless `format` keeps them.',
  apply: (pipeline, step) => (step.auto ? pipeline.autoOrient() : pipeline),
}
