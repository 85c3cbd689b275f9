import type { Sharp } from 'sharp'
import type { WritableFormatId } from '../format.ts'
import { checkWritable, flattens, format, type FormatParams } from '../operations/format.ts'
import type { Picture } from '../operations/operation.ts'
import { orient } from '../operations/orient.ts'
import { applyPass } from './apply-pass.ts'
import { asDecoded, inStep, pictureAfter } from './picture-after.ts'
import type { Pass, PlannedOutput } from './plan.ts'
import type { OpenImage } from './alpha-mode.ts'

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
export function planRenderings(
  output: PlannedOutput,
  source: Picture,
  target: WritableFormatId,
): readonly [Rendering, ...Rendering[]] {
  const drafts: { before: Picture; after: Picture; pass: Pass }[] = []
  let picture = source
  for (const pass of output.passes) {
    const before = picture
    picture = asDecoded(pass.reduce(pictureAfter, before))
    drafts.push({ before, after: picture, pass })
  }
  // sharp lays transparency on a background before it does anything else, so that needs a pipeline of its own.
  if (drafts.length === 0 || flattens(picture, target))
    drafts.push({ before: picture, after: asDecoded(picture), pass: [] })
  inStep(output.formatField ?? '', 'format', () => checkWritable(output.format, picture, target))

  const [first, ...more] = drafts.map(({ before, after, pass }, i): Rendering => ({
    before,
    after,
    apply: async (pipeline, open) => {
      const opened = i === 0 && output.source.orient ? upright(pipeline, pass, before) : pipeline
      const kept = (one: Sharp, picture: Picture) => keep(one, output.format, picture)
      const keepsProfile = output.format.colorspace === 'keep'
      const [applied, began] = await applyPass(opened, pass, before, { open, kept, keepsProfile })
      const changed = kept(applied, began)
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
  if (first?.operation.flipSensitive?.(first.step, before) !== true) return turned
  return turned.extract({ left: 0, top: 0, width: before.width, height: before.height })
}

/** What stays in the file from one pipeline to the next; sharp drops it all unless told. */
function keep(pipeline: Sharp, { metadata, colorspace }: FormatParams, before: Picture): Sharp {
  const described = metadata === 'keep' ? pipeline.keepExif().keepXmp() : pipeline
  if (colorspace === 'keep') return described.keepIccProfile()
  // With 16 bits sharp works in Display P3 and, unless told, writes those values as if they were sRGB.
  return before.isDeep === true ? described.withIccProfile('srgb', { attach: false }) : described
}
