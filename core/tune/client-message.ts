import { z } from 'zod'
import { outputName } from '../recipe/output-name.ts'

/**
 * Messages of the client in a tuning session, in the JSON form that the WebSocket carries as text frames. The proto has the
 * same messages. Each change is answered with a preview, unless a newer change has arrived.
 */

export const previewFormats = ['jpeg', 'webp'] as const
export type PreviewFormat = (typeof previewFormats)[number]

/** Options of previews. */
export const previewOptions = z.strictObject({
  /** Most pixels (width × height) of a preview. */
  maxPixels: z.int().min(4096).max(4_194_304).default(1_048_576),
  /** Default: JPEG, the fastest to encode, or WebP if the image is transparent. */
  format: z.enum(previewFormats).optional(),
  /** Quality of the preview's encoding, independent of the quality in the recipe. */
  quality: z.int().min(1).max(100).default(80),
})
export type PreviewOptions = z.output<typeof previewOptions>

/**
 * The short text form or an object. Not validated here: the recipe parser does, so that an invalid recipe is a refused
 * change that names the field and does not end the session.
 */
const anyRecipe = z.custom<string | Record<string, unknown>>((value) => value !== undefined, {
  error: 'the recipe is missing',
  params: { remedy: 'Send the short text form, such as resize:800, or an object.' },
})

/**
 * Number of a change, greater than the previous one; the opening has number 0. Answers carry the number of the change.
 */
const sequence = z.int().min(1).max(Number.MAX_SAFE_INTEGER)

/**
 * New values by parameter path, in the form of fault fields: `steps[1].sigma`, `outputs.thumb.steps[0].width`. The values
 * are validated with the whole recipe, which gives better error messages.
 */
const parameterChanges = z
  .record(z.string().max(200), z.unknown())
  .refine((changes) => Object.keys(changes).length <= 64, {
    error: 'a change can set at most 64 parameters',
    params: { remedy: 'Send several changes, or the whole recipe.' },
  })
export type ParameterChanges = z.output<typeof parameterChanges>

export const openMessage = z.strictObject({
  type: z.literal('open'),
  /** Id of the image. Images of other accounts are reported as unknown. */
  image: z.string().max(100),
  recipe: anyRecipe,
  /** Name of the output to preview; default: the first. */
  output: outputName.optional(),
  preview: previewOptions.prefault({}),
})
export type OpenMessage = z.output<typeof openMessage>

export const changeMessage = z
  .strictObject({
    type: z.literal('change'),
    sequence,
    /** The new recipe. */
    recipe: anyRecipe.optional(),
    /** New values of single parameters; null resets a parameter to its default. */
    set: parameterChanges.optional(),
    /** Name of the output to preview from now on. */
    output: outputName.optional(),
  })
  .refine(({ recipe, set }) => recipe === undefined || set === undefined, {
    path: ['set'],
    error: 'a change has either recipe or set, not both',
    params: { remedy: 'Remove one of them.' },
  })
  .refine(({ recipe, set, output }) => (recipe ?? set ?? output) !== undefined, {
    path: ['recipe'],
    error: 'the change is empty',
    params: { remedy: 'Send recipe, set or output.' },
  })
export type ChangeMessage = z.output<typeof changeMessage>

/** Creates a task with the current recipe: the full image, all outputs. */
const applyMessage = z.strictObject({
  type: z.literal('apply'),
  /** The change that the client expects to be current. The message is refused if another one is. */
  sequence: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
})
export type ApplyMessage = z.output<typeof applyMessage>

export const clientMessage = z.discriminatedUnion('type', [openMessage, changeMessage, applyMessage])
export type ClientMessage = z.output<typeof clientMessage>
/** The input type, with optional defaults. */
export type ClientMessageInput = z.input<typeof clientMessage>
