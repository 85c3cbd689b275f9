import type { Sharp } from 'sharp'
import { Fault } from '../fault.ts'
import type { WritableFormatId } from '../format.ts'
import { checkWritable, flattens, format, type FormatParams } from '../operations/format.ts'
import { pictureAfter as afterStep, type Picture } from '../operations/operation.ts'
import { orient } from '../operations/orient.ts'
import type { Pass, PlannedOutput, PlannedStep } from './plan.ts'
import { preShrink } from './pre-shrink.ts'
import { withColorsApart, withHeadroom, withoutHeadroom, type OpenImage } from './transparent.ts'

/** One sharp pipeline of an output. */
export interface Rendering {
  readonly before: Picture
  /** The picture it makes, known to the pixel before anything is decoded. */
  readonly after: Picture
  /**
   * Adds the calls to a pipeline, which is opened on the source for the first rendering of an output and on the bytes
   * that the rendering before has written for every other. The last one writes the output in its target format, those
   * before it lossless PNG without compression: like raw pixels in speed, but with transparency, profile and metadata.
   * @param open opens what has to be written out on the way
   */
  apply(pipeline: Sharp, open: OpenImage): Promise<Sharp>
}

/** What sharp's metadata says about a source. */
export interface SourceMetadata {
  readonly width: number
  readonly height: number
  /** EXIF orientation, 1 to 8. */
  readonly orientation?: number | undefined
  readonly hasAlpha?: boolean | undefined
  /** Interpretation of the pixels, e.g. `srgb` or `rgb16`. */
  readonly space?: string | undefined
  readonly hasProfile?: boolean | undefined
  /** Whether it is a drawing, which has no pixels before it is drawn. */
  readonly isVector?: boolean | undefined
}

/** The source as the first step sees it. */
export function sourcePicture(metadata: SourceMetadata, orient: boolean): Picture {
  const {
    width,
    height,
    orientation = 1,
    hasAlpha = false,
    space,
    hasProfile = false,
    isVector = false,
  } = metadata
  const lies = orient && orientation >= 5
  const isDeep = hasProfile && space === 'rgb16'
  return {
    width: lies ? height : width,
    height: lies ? width : height,
    alpha: hasAlpha,
    ...(isDeep ? { isDeep } : {}),
    ...(isVector ? { isVector } : {}),
  }
}

/**
 * The pipelines that make an output, in order; at least one. Everything that can be wrong with the recipe for this
 * picture comes out here.
 * @throws Fault `processing_failed` that names the step, e.g. a crop outside the picture.
 */
export function renderings(
  output: PlannedOutput,
  source: Picture,
  target: WritableFormatId,
): readonly [Rendering, ...Rendering[]] {
  const drafts: { before: Picture; after: Picture; pass: Pass }[] = []
  let picture = source
  for (const pass of output.passes) {
    const before = picture
    picture = decoded(pass.reduce(pictureAfter, before))
    drafts.push({ before, after: picture, pass })
  }
  // sharp lays transparency on a background before it does anything else, so that needs a pipeline of its own.
  if (drafts.length === 0 || flattens(picture, target))
    drafts.push({ before: picture, after: decoded(picture), pass: [] })
  inPlace(output.formatField ?? '', 'the result', () => checkWritable(output.format, picture, target))

  const [first, ...more] = drafts.map(({ before, after, pass }, i): Rendering => ({
    before,
    after,
    apply: async (pipeline, open) => {
      const opened = i === 0 && output.source.orient ? upright(pipeline, pass, before) : pipeline
      const kept = (picture: Picture) => (one: Sharp) => keep(one, output.format, picture)
      const [applied, last] = await applyPass(opened, pass, before, { open, kept })
      const changed = kept(last)(applied)
      return i === drafts.length - 1
        ? format.apply(changed, output.format, after, target)
        : changed.png({ compressionLevel: 0 })
    },
  }))
  if (first === undefined) throw new Error('an output has at least one rendering')
  return [first, ...more]
}

/**
 * Turns the source upright. sharp puts that off until it has resized, which keeps decoders shrinking while they load but
 * is not the same for a resize that mirroring changes; a crop, here to the whole picture, makes sharp turn at once.
 */
function upright(pipeline: Sharp, pass: Pass, before: Picture): Sharp {
  // A drawing is upright, and a crop would have it drawn before it is resized.
  if (before.isVector === true) return pipeline
  const turned = orient.apply(pipeline, { op: 'orient', auto: true })
  const first = pass.find(({ operation, step }) => operation.slot(step) !== 'grayscale')
  if (first?.operation.isLopsided?.(first.step, before) !== true) return turned
  return turned.extract({ left: 0, top: 0, width: before.width, height: before.height })
}

interface Between {
  readonly open: OpenImage
  /** What stays in a file that is written on the way, by the picture that its pipeline began with. */
  readonly kept: (picture: Picture) => (pipeline: Sharp) => Sharp
}

/**
 * Adds the calls of one pass to a pipeline. Where a step mixes pixels of which some may be transparent, the pipeline ends
 * and another goes on in the way that suits that step.
 * @returns the pipeline to go on with, and the picture that it began with
 */
async function applyPass(
  pipeline: Sharp,
  pass: Pass,
  before: Picture,
  { open, kept }: Between,
): Promise<[Sharp, Picture]> {
  let [current, began, picture] = [pipeline, before, before]
  let way: Way = 'plain'
  /** Ends the pipeline, and gives what it has made. */
  const written = () => {
    const ended = way === 'headroom' ? withoutHeadroom(current) : current
    const png = kept(began)(ended).png({ compressionLevel: 0 }).toBuffer()
    began = decoded(picture)
    return png
  }
  for (const [i, planned] of pass.flatMap(partsFrom(before)).entries()) {
    const seen = picture
    const next = wayOf(planned, seen, way)
    if (i === 0 && next === 'headroom') current = preShrink(current, planned, seen)
    if (next === 'apart') current = await withColorsApart(await written(), open)
    else if (next !== way) {
      const png = await written()
      current = next === 'headroom' ? await withHeadroom(png, open) : open(png, { limitInputPixels: false })
    }
    way = next
    picture = pictureAfter(seen, planned)
    current = planned.operation.apply(current, planned.step, seen)
  }
  return [way === 'headroom' ? withoutHeadroom(current) : current, began]
}

/** Takes the steps of a pass apart, in their order, where they meet transparency. */
function partsFrom(before: Picture): (planned: PlannedStep) => readonly PlannedStep[] {
  let picture = before
  return (planned) => {
    const { operation, step } = planned
    const parts = picture.alpha ? (operation.parts?.(step, picture) ?? [step]) : [step]
    picture = pictureAfter(picture, planned)
    return parts.map((part) => ({ ...planned, step: { ...step, ...part } }))
  }
}

/**
 * How a pipeline treats transparency: as sharp does, with room for overshoot, or with the colours apart from it (see
 * transparent.ts).
 */
type Way = 'plain' | 'headroom' | 'apart'

function wayOf({ operation, step }: PlannedStep, picture: Picture, way: Way): Way {
  const slot = operation.slot(step)
  switch (slot) {
    case 'sharpen':
      return picture.alpha ? 'apart' : 'plain'
    case 'scale':
    case 'cover':
      // A drawing is drawn in the size that is asked for.
      if (picture.isVector === true && operation.drawn !== undefined) return way
      return picture.alpha ? 'headroom' : 'plain'
    case 'blur':
      return picture.alpha ? 'headroom' : 'plain'
    case 'contain':
    case 'grayscale':
    case 'rotate':
      return 'plain'
    case 'flip':
    case 'flop':
    case 'turn':
    case 'crop':
    case null:
      return way
  }
}

/** What is left of a picture once sharp has read it: 8 bits a channel. */
function decoded({ width, height, alpha }: Picture): Picture {
  return { width, height, alpha }
}

function pictureAfter(picture: Picture, planned: PlannedStep): Picture {
  return inPlace(planned.field, planned.where, () => afterStep(planned, picture))
}

/** Makes a parameter's fault one of the recipe: says which step it is about. */
function inPlace<T>(field: string, where: string, act: () => T): T {
  try {
    return act()
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    const { code, detail, field: parameter, ...place } = thrown.report()
    const whole = [field, parameter].filter((part) => part !== undefined && part !== '').join('.')
    throw new Fault(code, `In ${where}: ${detail}`, { ...place, ...(whole === '' ? {} : { field: whole }) })
  }
}

/** What stays in the file from one pipeline to the next; sharp drops it all unless told. */
function keep(pipeline: Sharp, { metadata, colorspace }: FormatParams, before: Picture): Sharp {
  const described = metadata === 'keep' ? pipeline.keepExif().keepXmp() : pipeline
  if (colorspace === 'keep') return described.keepIccProfile()
  // With 16 bits sharp works in Display P3 and, unless told, writes those values as if they were sRGB.
  return before.isDeep === true ? described.withIccProfile('srgb', { attach: false }) : described
}
