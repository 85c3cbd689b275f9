import { z } from 'zod'
import { outputName } from '../recipe/output-name.ts'

/**
 * What a client says while it tunes: the recipe of a picture, changed as often as it likes, each change answered by a
 * preview unless a newer one has come meanwhile. The JSON form, which the WebSocket carries as text frames; gRPC has the
 * same messages in its proto.
 */

export const previewFormats = ['jpeg', 'webp'] as const
export type PreviewFormat = (typeof previewFormats)[number]

/** How previews are made. */
export const previewOptions = z.strictObject({
  /** Pixels (width times height) a preview may have at most. */
  maxPixels: z.int().min(4096).max(4_194_304).default(1_048_576),
  /** Without it JPEG, which is the fastest, and WebP where the picture is transparent. */
  format: z.enum(previewFormats).optional(),
  /** Of the preview's encoding; has nothing to do with the quality in the recipe. */
  quality: z.int().min(1).max(100).default(80),
})
export type PreviewOptions = z.output<typeof previewOptions>

/**
 * The short text form, or the recipe itself. Anything passes here: the recipe parser checks it, so that a bad recipe is a
 * refused change with the field at fault, and not the end of the session.
 */
const anyRecipe = z.custom<string | Record<string, unknown>>((value) => value !== undefined, {
  error: 'the recipe is missing',
  params: { remedy: 'Send the short text form, such as resize:800, or an object.' },
})

/**
 * Counts a client's changes, strictly upwards; the opening is number 0. Answers carry the number of what they answer.
 */
const sequence = z.int().min(1).max(Number.MAX_SAFE_INTEGER)

/**
 * Parameters by where they stand, written as in faults: `steps[1].sigma`, `outputs.thumb.steps[0].width`. Values are
 * checked with the whole recipe, where their faults can be told in words.
 */
export const parameterChanges = z
  .record(z.string().max(200), z.unknown())
  .refine((changes) => Object.keys(changes).length <= 64, {
    error: 'a change can set at most 64 parameters',
    params: { remedy: 'Send several changes, or the whole recipe.' },
  })
export type ParameterChanges = z.output<typeof parameterChanges>

export const openMessage = z.strictObject({
  type: z.literal('open'),
  /** Id of the image; whatever is none of the account's answers like what never was. */
  image: z.string().max(100),
  recipe: anyRecipe,
  /** Which of the recipe's outputs is shown; by default its first. */
  output: outputName.optional(),
  preview: previewOptions.prefault({}),
})
export type OpenMessage = z.output<typeof openMessage>

export const changeMessage = z
  .strictObject({
    type: z.literal('change'),
    sequence,
    /** The whole recipe anew. */
    recipe: anyRecipe.optional(),
    /** Or new values of single parameters; null goes back to the parameter's default. */
    set: parameterChanges.optional(),
    /** Shows this output from now on. */
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

/** Makes a task of the recipe as it is now: the full picture, all outputs. */
export const applyMessage = z.strictObject({
  type: z.literal('apply'),
  /** The newest change as the client knows it: refused when the recipe is another, e.g. because that one was refused. */
  sequence: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
})
export type ApplyMessage = z.output<typeof applyMessage>

export const clientMessage = z.discriminatedUnion('type', [openMessage, changeMessage, applyMessage])
export type ClientMessage = z.output<typeof clientMessage>
/** The same as it may be sent. */
export type ClientMessageInput = z.input<typeof clientMessage>
