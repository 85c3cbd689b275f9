import type { Sharp } from 'sharp'
import type { WritableFormatId } from '../format.ts'
import { checkWritable, flattens, format, type FormatParams } from '../operations/format.ts'
import type { Picture } from './operation.ts'
import { orient } from '../operations/orient.ts'
import { applyPass } from './apply-pass.ts'
import { asDecoded, pictureAfter } from './picture-after.ts'
import { locateFaults } from './locate-faults.ts'
import type { Pass, PlannedOutput } from './plan.ts'
import type { OpenImage } from './alpha-mode.ts'

/** One sharp pipeline of an output. */
export interface Rendering {
  readonly before: Picture
  /** The result of the pipeline. Its size is exact before anything is decoded. */
  readonly after: Picture
  /**
   * Adds the calls to a pipeline. The pipeline of an output's first rendering reads the source; each further one reads
   * the bytes that the previous rendering has written. The last rendering writes the target format, the others
   * uncompressed PNG, which is as fast as raw pixels but keeps transparency, profile and metadata.
   * @param open opens intermediate results
   */
  apply(pipeline: Sharp, open: OpenImage): Promise<Sharp>
}

/** The properties of a source in the metadata that sharp reads. */
export interface SourceMetadata {
  readonly width: number
  readonly height: number
  /** EXIF orientation, 1 to 8. */
  readonly orientation?: number | undefined
  readonly hasAlpha?: boolean | undefined
  /** Interpretation of the pixels, e.g. `srgb` or `rgb16`. */
  readonly space?: string | undefined
  readonly hasProfile?: boolean | undefined
  /** Whether it is a vector drawing, which can be rasterized at any size. */
  readonly isVector?: boolean | undefined
}

/** The picture that the first step receives. */
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
  const swapsSides = orient && orientation >= 5
  const isDeep = hasProfile && space === 'rgb16'
  return {
    width: swapsSides ? height : width,
    height: swapsSides ? width : height,
    alpha: hasAlpha,
    ...(isDeep ? { isDeep } : {}),
    ...(isVector ? { isVector } : {}),
  }
}

/**
 * The pipelines of an output, in order; at least one. Checks that every step is possible for this picture, before
 * anything is decoded.
 * @throws Fault `processing_failed`, whose field names the step, e.g. a crop outside the image.
 */
export function planRenderings(
  output: PlannedOutput,
  source: Picture,
  target: WritableFormatId,
): readonly [Rendering, ...Rendering[]] {
  const stages: { before: Picture; after: Picture; pass: Pass }[] = []
  let picture = source
  for (const pass of output.passes) {
    const before = picture
    picture = asDecoded(pass.reduce(pictureAfter, before))
    stages.push({ before, after: picture, pass })
  }
  // sharp flattens a picture before all other calls, so flattening the result needs a separate pipeline.
  if (stages.length === 0 || flattens(picture, target))
    stages.push({ before: picture, after: asDecoded(picture), pass: [] })
  locateFaults(output.formatField ?? '', () => checkWritable(output.format, picture, target))

  const [first, ...more] = stages.map(({ before, after, pass }, i): Rendering => ({
    before,
    after,
    apply: async (pipeline, open) => {
      const opened = i === 0 && output.source.orient ? upright(pipeline, pass, before) : pipeline
      const copyMetadata = (one: Sharp, picture: Picture) => keepMetadata(one, output.format, picture)
      const keepsProfile = output.format.colorspace === 'keep'
      const [applied, input] = await applyPass(opened, pass, before, { open, copyMetadata, keepsProfile })
      const changed = copyMetadata(applied, input)
      return i === stages.length - 1
        ? format.apply(changed, output.format, after, target)
        : changed.png({ compressionLevel: 0 })
    },
  }))
  if (first === undefined) throw new Error('an output has at least one rendering')
  return [first, ...more]
}

/**
 * Turns the source upright. sharp defers this until after the resize, which allows shrink-on-load, but changes the
 * result of a flip-sensitive resize. For such a resize a crop to the whole picture makes sharp turn the picture first.
 */
function upright(pipeline: Sharp, pass: Pass, before: Picture): Sharp {
  // A drawing is always upright, and a crop would rasterize it before the resize.
  if (before.isVector === true) return pipeline
  const turned = orient.apply(pipeline, { op: 'orient', auto: true })
  const first = pass.find(({ operation, step }) => operation.slot(step) !== 'grayscale')
  if (first?.operation.flipSensitive?.(first.step, before) !== true) return turned
  return turned.extract({ left: 0, top: 0, width: before.width, height: before.height })
}

/** Makes a pipeline keep the requested metadata and colour profile, which sharp drops by default. */
function keepMetadata(pipeline: Sharp, { metadata, colorspace }: FormatParams, before: Picture): Sharp {
  const described = metadata === 'keep' ? pipeline.keepExif().keepXmp() : pipeline
  if (colorspace === 'keep') return described.keepIccProfile()
  // sharp processes 16-bit pictures in Display P3 and would write these values unconverted as sRGB.
  return before.isDeep === true ? described.withIccProfile('srgb', { attach: false }) : described
}
