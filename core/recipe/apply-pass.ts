import type { Sharp } from 'sharp'
import type { Picture } from '../operations/operation.ts'
import { asDecoded, pictureAfter } from './picture-after.ts'
import type { Pass, PlannedStep } from './plan.ts'
import { preShrink } from './pre-shrink.ts'
import { dropAlphaInPlace, isOpaque, type Rgba } from './rgba.ts'
import {
  finishPipeline,
  open16Bit,
  openRaw,
  openRgba,
  readPixelsByPng,
  readPixels,
  sharpenColors,
  openWithHeadroom,
  withProfile,
  type OpenImage,
  type AlphaMode,
} from './alpha-mode.ts'

interface PassContext {
  readonly open: OpenImage
  /** Makes a pipeline keep the requested metadata and profile; `began` is the input picture of the pipeline. */
  readonly kept: (pipeline: Sharp, began: Picture) => Sharp
  /** Whether a colour profile is kept instead of being converted. */
  readonly keepsProfile: boolean
}

/** Intermediate state of a pass: an open pipeline, or the pixels of a finished one. */
type State = { readonly pipeline: Sharp; readonly way: AlphaMode } | { readonly pixels: Rgba }

/**
 * Adds the calls of one pass to a pipeline. Before a step that mixes pixels, some of which may be transparent, the
 * pipeline is run and its pixels are read into memory. If all of them are opaque, the next pipeline continues with the
 * three colour channels; otherwise the step is applied in its alpha mode (see alpha-mode.ts).
 * @returns the open pipeline and its input picture
 */
export async function applyPass(
  pipeline: Sharp,
  pass: Pass,
  before: Picture,
  { open, kept, keepsProfile }: PassContext,
): Promise<[Sharp, Picture]> {
  // Asserted, because TypeScript does not see that closures assign it and would narrow the type.
  let state = { pipeline, way: 'plain' } as State
  let [began, picture, isGray] = [before, before, false]
  let profile: Uint8Array | undefined

  const takePixels = async (): Promise<Rgba> => {
    if ('pixels' in state) return state.pixels
    const ended = kept(finishPipeline(state.way, state.pipeline), began)
    if (!isGray && !keepsProfile) return readPixels(ended)
    const read = await readPixelsByPng(ended, open)
    profile ??= read.profile
    return read.pixels
  }
  const end = async (): Promise<Rgba> => {
    const pixels = await takePixels()
    state = { pixels }
    began = asDecoded(picture)
    isGray = false
    return pixels
  }
  const add = async (planned: PlannedStep): Promise<void> => {
    const { operation, step } = planned
    const seen = picture
    const call = (to: Sharp) => operation.apply(to, step, seen)
    const ways = waysOf(planned, seen)
    if ('pipeline' in state && ways.includes(state.way)) {
      state = { pipeline: call(state.pipeline), way: state.way }
    } else {
      const pixels = await end()
      const slot = operation.slot(step)
      if (ways.includes('plain')) state = { pipeline: call(openRgba(pixels, open)), way: 'plain' }
      else if (slot === 'sharpen') state = { pixels: await sharpenColors(pixels, call, open) }
      else if (slot === 'blur') state = { pipeline: call(open16Bit(pixels, open)), way: 'deep' }
      else {
        // The pixels may already be a reduced version of the picture (see `preShrink`).
        const block = operation.blockSize?.(step, { ...seen, ...sizeOf(pixels) }) ?? 1
        state = { pipeline: call(openWithHeadroom(pixels, block, open)), way: 'headroom' }
      }
    }
    picture = pictureAfter(seen, planned)
    isGray ||= operation.slot(step) === 'grayscale'
  }

  for (const planned of pass) {
    const parts = partsOf(planned, picture)
    if (parts.every((part) => waysOf(part, picture).includes('plain'))) {
      await add(planned)
      continue
    }
    const way = 'way' in state ? state.way : undefined
    const canGoOn = parts.every((part) => way !== undefined && waysOf(part, picture).includes(way))
    if (planned === pass[0]) preShrink(pipeline, parts[0] ?? planned, picture)
    const pixels = canGoOn ? undefined : await end()
    if (pixels !== undefined && isOpaque(pixels)) {
      state = { pipeline: openRaw(dropAlphaInPlace(pixels), open), way: 'plain' }
      picture = { ...picture, alpha: false }
      await add(planned)
      continue
    }
    for (const part of parts) await add(part)
  }

  const last = 'pixels' in state ? openRgba(state.pixels, open) : finishPipeline(state.way, state.pipeline)
  // The alpha channel is kept, even if all pixels are opaque.
  const whole = before.alpha && !picture.alpha ? last.ensureAlpha() : last
  return [profile === undefined ? whole : await withProfile(whole, profile, open), began]
}

function sizeOf({ width, height }: Rgba): Pick<Picture, 'width' | 'height'> {
  return { width, height }
}

/** Splits a step on a transparent picture into parts, each with its own alpha mode. */
function partsOf(planned: PlannedStep, picture: Picture): readonly PlannedStep[] {
  const { operation, step } = planned
  const parts = (picture.alpha ? operation.parts?.(step, picture) : undefined) ?? [step]
  return parts.map((part) => ({ ...planned, step: { ...step, ...part } }))
}

const everyWay: readonly AlphaMode[] = ['plain', 'deep', 'headroom']

/** The alpha modes of an open pipeline in which a step can be added; empty if the step needs the pixels. */
function waysOf(planned: PlannedStep, picture: Picture): readonly AlphaMode[] {
  const { operation, step } = planned
  const slot = operation.slot(step)
  switch (slot) {
    case 'sharpen':
      return picture.alpha ? [] : ['plain']
    case 'blur':
      return picture.alpha ? ['headroom'] : ['plain']
    case 'scale':
    case 'cover':
      return picture.alpha && changesPixels(planned, picture) ? [] : everyWay
    case 'contain':
    case 'grayscale':
    case 'rotate':
      return ['plain']
    case 'flip':
    case 'flop':
    case 'turn':
    case 'crop':
    case null:
      return everyWay
  }
}

/**
 * Whether a resize resamples pixels: false if the size is already right, or if a drawing is rasterized at that size.
 */
function changesPixels(planned: PlannedStep, picture: Picture): boolean {
  if (picture.isVector === true && planned.operation.rasterSize !== undefined) return false
  const { width, height } = pictureAfter(picture, planned)
  return width !== picture.width || height !== picture.height
}
