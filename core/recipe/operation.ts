import type { Sharp } from 'sharp'
import type { z } from 'zod'
import type { WritableFormatId } from '../format.ts'

/** The picture at one step of a recipe; upright if the recipe orients it. */
export interface Picture {
  /** Pixels. */
  readonly width: number
  /** Pixels. */
  readonly height: number
  /** Whether it can have transparent pixels. */
  readonly alpha: boolean
  /** Whether it has 16 bits per channel and a colour profile; only for a source before decoding. */
  readonly isDeep?: boolean
  /** Whether it is a vector drawing that can be rasterized at any size; only for a source before decoding. */
  readonly isVector?: boolean
}

/** The situation in which a step is scaled for a preview. */
export interface PreviewContext {
  /** The full picture before the step. */
  readonly before: Picture
  /** The copy before the step: the same picture with at most as many pixels. */
  readonly copy: Picture
  /** Most pixels of the copy after the step. */
  readonly maxPixels: number
}

/**
 * The call of sharp that a step uses. sharp performs its calls in a fixed order (see can-fuse.ts), regardless
 * of the order in which they are made.
 */
export type Slot =
  | 'flip'
  | 'flop'
  /** Rotation by a multiple of 90°. */
  | 'turn'
  /** Rotation by any other angle. */
  | 'rotate'
  | 'crop'
  | 'grayscale'
  /** Resize to exactly the size that the scaling gives. */
  | 'scale'
  /** Resize, then cut to the box. */
  | 'cover'
  /** Resize, then pad to the box. */
  | 'contain'
  | 'blur'
  | 'sharpen'
  /** Any other calls. The step gets a pipeline of its own, so that only their order among themselves matters. */
  | 'separate'

/** Schema of one step: a strict object with the operation's name in `op`. */
export type StepSchema = z.ZodObject<{ op: z.ZodLiteral<string> } & z.ZodRawShape>

/** A positional value of the text form: a parameter name, or several parameters written as one value. */
export type Positional = string | CompositeValue

export interface CompositeValue {
  /** Its form in the usage line. */
  readonly usage: string
  readonly parameters: readonly string[]
  /** Splits the text into parameters, still as text; undefined if the form does not match. */
  read(text: string): Readonly<Record<string, string>> | undefined
  /** Undefined if none of its parameters is set. */
  write(step: Readonly<Record<string, unknown>>): string | undefined
}

/** The sections of lists of operations that change pixels, in order. */
export const sections = ['geometry', 'filter', 'color', 'composite'] as const
export type Section = (typeof sections)[number]

interface OperationBase<S extends StepSchema> {
  readonly schema: S
  readonly title: string
  /** One sentence that describes the operation. */
  readonly summary: string
  /** Positional values of the text form, in order. */
  readonly positional: readonly Positional[]
  /** Example recipes in text form. */
  readonly examples: readonly string[]
  /** Paragraphs of the documentation, in Markdown, beyond the parameter table. */
  readonly notes?: string
}

/** Determines how the source is opened; only the first step of an output. */
export interface OpenOperation<S extends StepSchema = StepSchema> extends OperationBase<S> {
  readonly place: 'first'
  apply(pipeline: Sharp, step: z.output<S>): Sharp
}

/** Changes pixels; at any position. */
export interface PictureOperation<S extends StepSchema = StepSchema> extends OperationBase<S> {
  readonly place: 'any'
  /** Its section in lists of operations. */
  readonly section: Section
  /** Sorts the section, ascending; equal values are sorted by name. Default: after all operations with a value. */
  readonly order?: number
  /** Null if a step with these parameters changes nothing. */
  slot(step: z.output<S>): Slot | null
  /**
   * The exact size after the step. Later steps are validated against it before anything is decoded.
   * @throws Fault `processing_failed` if the step is not possible for this picture.
   */
  after(step: z.output<S>, before: Picture): Picture
  apply(pipeline: Sharp, step: z.output<S>, before: Picture): Sharp
  /** Equivalent simpler steps, so that only some of them mix pixels. Default: the step itself. */
  parts?(step: z.output<S>, before: Picture): readonly z.output<S>[]
  /**
   * A smaller size to which a large picture can be reduced first without loss of quality. Default: none.
   */
  preShrinkSize?(step: z.output<S>, before: Picture): Pick<Picture, 'width' | 'height'> | undefined
  /** The integer factor by which block averaging can reduce the picture first. Default: 1, no reduction. */
  blockSize?(step: z.output<S>, before: Picture): number
  /** The size at which a drawing is rasterized if this step is the first. Default: its own size. */
  rasterSize?(step: z.output<S>, before: Picture): Pick<Picture, 'width' | 'height'>
  /**
   * The steps that have the same visible effect on the smaller copy: lengths in pixels are scaled down. Not called
   * while the copy has the full size. Default: the step itself.
   */
  scaleForPreview?(step: z.output<S>, context: PreviewContext): readonly z.output<S>[]
  /** Whether the step gives a different result on a mirrored picture than the mirrored result. Default: false. */
  flipSensitive?(step: z.output<S>, before: Picture): boolean
}

/** Determines how the result is written; only the last step of an output. */
export interface WriteOperation<S extends StepSchema = StepSchema> extends OperationBase<S> {
  readonly place: 'last'
  /** @throws Fault `processing_failed` if the format does not support the picture or the parameters. */
  apply(pipeline: Sharp, params: Omit<z.output<S>, 'op'>, picture: Picture, target: WritableFormatId): Sharp
}

export type Operation = OpenOperation | PictureOperation | WriteOperation
/** A parsed step with all defaults. */
export type StepOf<Op extends Operation> = z.output<Op['schema']> & { op: string }

/** Checks an operation against its interface and keeps the types of its parameters. */
export function pictureOperation<S extends StepSchema>(
  operation: Omit<PictureOperation<S>, 'place'>,
): PictureOperation<S> {
  return { ...operation, place: 'any' }
}

/**
 * The picture after a step, with its exact size. A drawing is rasterized by then.
 * @throws Fault `processing_failed` if the step is not possible for this picture.
 */
export function pictureAfterStep<S extends StepSchema>(
  { operation, step }: { readonly operation: PictureOperation<S>; readonly step: z.output<S> },
  before: Picture,
): Picture {
  const { isVector: _, ...after } = operation.after(step, before)
  return after
}

/** The scale of the copy relative to its picture, as one factor for both sides. */
export function previewScale({ before, copy }: Pick<PreviewContext, 'before' | 'copy'>): number {
  return Math.sqrt((copy.width / before.width) * (copy.height / before.height))
}
