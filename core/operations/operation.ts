import type { Sharp } from 'sharp'
import type { z } from 'zod'
import type { WritableFormatId } from '../format.ts'

/** What is known about the picture at one point of a recipe, upright when the recipe orients it. */
export interface Picture {
  /** Pixels. */
  readonly width: number
  /** Pixels. */
  readonly height: number
  /** Whether it may have transparent pixels. */
  readonly alpha: boolean
  /** Whether it has 16 bits a channel and a colour profile; only a source that is yet to be decoded. */
  readonly isDeep?: boolean
  /** Whether it is a drawing that has no pixels yet, so that any size is as good; only such a source. */
  readonly isVector?: boolean
}

/** A step about to be shown on a smaller copy of the picture. */
export interface PreviewContext {
  /** The picture as it is at this point of the recipe. */
  readonly before: Picture
  /** The copy at the same point: the same picture with fewer pixels, or as many. */
  readonly copy: Picture
  /** Pixels that the copy should have at most after the step. */
  readonly maxPixels: number
}

/**
 * Where in its own fixed order sharp performs a step, whatever the order of the calls. The planner (recipe/can-fuse.ts)
 * knows that order; an operation only says which of sharp's calls it is.
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

/** Schema of one step: a strict object with the operation's name in `op`. */
export type StepSchema = z.ZodObject<{ op: z.ZodLiteral<string> } & z.ZodRawShape>

/** A value of the text form that needs no name: a parameter's name, or several parameters written as one. */
export type Positional = string | CompositeValue

export interface CompositeValue {
  /** How the usage line calls it. */
  readonly usage: string
  readonly parameters: readonly string[]
  /** The parameters, still as text; undefined when the text has another shape. */
  read(text: string): Readonly<Record<string, string>> | undefined
  /** Undefined when none of its parameters is given. */
  write(step: Readonly<Record<string, unknown>>): string | undefined
}

interface OperationBase<S extends StepSchema> {
  readonly schema: S
  readonly title: string
  /** One sentence for people who choose among operations. */
  readonly summary: string
  /** What needs no name in the text form, in order. */
  readonly positional: readonly Positional[]
  /** Recipes in text form that show it. */
  readonly examples: readonly string[]
  /** Paragraphs for the documentation, in Markdown: what the parameter table cannot say. */
  readonly notes?: string
}

/** How the source is opened; only the first step of an output. */
export interface OpenOperation<S extends StepSchema = StepSchema> extends OperationBase<S> {
  readonly place: 'first'
  apply(pipeline: Sharp, step: z.output<S>): Sharp
}

/** Changes pixels; anywhere. */
export interface PictureOperation<S extends StepSchema = StepSchema> extends OperationBase<S> {
  readonly place: 'any'
  /** Null when a step with these parameters changes nothing. */
  slot(step: z.output<S>): Slot | null
  /**
   * The picture after the step, to the pixel: later steps are checked against it before anything is decoded.
   * @throws Fault `processing_failed` when the step cannot be done to this picture.
   */
  after(step: z.output<S>, before: Picture): Picture
  apply(pipeline: Sharp, step: z.output<S>, before: Picture): Sharp
  /** Steps that come to the same, one after the other: where one mixes pixels, the next may not. Default: the step itself. */
  parts?(step: z.output<S>, before: Picture): readonly z.output<S>[]
  /**
   * The size that a much larger picture may have before the step, whose result is as good then. Default: only its own.
   */
  preShrinkSize?(step: z.output<S>, before: Picture): Pick<Picture, 'width' | 'height'> | undefined
  /** By what whole number a picture can be made smaller first, blocks of pixels becoming their mean. Default: 1, not at all. */
  blockSize?(step: z.output<S>, before: Picture): number
  /** The size at which a drawing is drawn for this step, when it is the first. Default: its own. */
  rasterSize?(step: z.output<S>, before: Picture): Pick<Picture, 'width' | 'height'>
  /**
   * The steps that do to a smaller copy what this one does to the picture, so that the copy still shows it: what is
   * measured in pixels has to become smaller too. Not asked while the copy has all pixels and may keep them. Default:
   * the step as it is.
   */
  scaleForPreview?(step: z.output<S>, context: PreviewContext): readonly z.output<S>[]
  /** Whether a mirrored picture would come out as something else than the mirrored result. Default: no. */
  flipSensitive?(step: z.output<S>, before: Picture): boolean
}

/** How the result is written; only the last step of an output. */
export interface WriteOperation<S extends StepSchema = StepSchema> extends OperationBase<S> {
  readonly place: 'last'
  /** @throws Fault `processing_failed` when the format cannot hold the picture or cannot do what is asked. */
  apply(pipeline: Sharp, params: Omit<z.output<S>, 'op'>, picture: Picture, target: WritableFormatId): Sharp
}

export type Operation = OpenOperation | PictureOperation | WriteOperation
/** A step as the operation's schema gives it, defaults filled in. */
export type StepOf<Op extends Operation> = z.output<Op['schema']> & { op: string }

/** Holds an operation to its interface and keeps the types of its parameters. */
export function pictureOperation<S extends StepSchema>(
  operation: Omit<PictureOperation<S>, 'place'>,
): PictureOperation<S> {
  return { ...operation, place: 'any' }
}

/**
 * The picture after a step, to the pixel; what was a drawing has pixels then.
 * @throws Fault `processing_failed` when the step cannot be done to this picture.
 */
export function pictureAfter<S extends StepSchema>(
  { operation, step }: { readonly operation: PictureOperation<S>; readonly step: z.output<S> },
  before: Picture,
): Picture {
  const { isVector: _, ...after } = operation.after(step, before)
  return after
}

/** By how much a copy is smaller than its picture, as one factor for both sides. */
export function previewScale({ before, copy }: Pick<PreviewContext, 'before' | 'copy'>): number {
  return Math.sqrt((copy.width / before.width) * (copy.height / before.height))
}
