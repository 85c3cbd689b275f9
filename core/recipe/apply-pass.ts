import type { Sharp } from 'sharp'
import type { Picture } from './operation.ts'
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
  openWithProfile,
  type OpenImage,
  type AlphaMode,
} from './alpha-mode.ts'

interface PassContext {
  readonly open: OpenImage
  /** Makes a pipeline keep the requested metadata and profile; `input` is the picture that the pipeline received. */
  readonly copyMetadata: (pipeline: Sharp, input: Picture) => Sharp
  /** Whether a colour profile is kept instead of being converted. */
  readonly keepsProfile: boolean
}

/** Intermediate state of a pass: an open pipeline, or the pixels of a finished one. */
type State = { readonly pipeline: Sharp; readonly mode: AlphaMode } | { readonly pixels: Rgba }

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
  { open, copyMetadata, keepsProfile }: PassContext,
): Promise<[Sharp, Picture]> {
  // Asserted, because TypeScript does not see that closures assign it and would narrow the type.
  let state = { pipeline, mode: 'plain' } as State
  let [input, picture, isGray] = [before, before, false]
  let profile: Uint8Array | undefined

  const takePixels = async (): Promise<Rgba> => {
    if ('pixels' in state) return state.pixels
    const ended = copyMetadata(finishPipeline(state.mode, state.pipeline), input)
    if (!isGray && !keepsProfile) return readPixels(ended)
    const read = await readPixelsByPng(ended, open)
    profile ??= read.profile
    return read.pixels
  }
  const end = async (): Promise<Rgba> => {
    const pixels = await takePixels()
    state = { pixels }
    input = asDecoded(picture)
    isGray = false
    return pixels
  }
  const add = async (planned: PlannedStep): Promise<void> => {
    const { operation, step } = planned
    const seen = picture
    const call = (to: Sharp) => operation.apply(to, step, seen)
    const modes = modesOf(planned, seen)
    if ('pipeline' in state && modes.includes(state.mode)) {
      state = { pipeline: call(state.pipeline), mode: state.mode }
    } else {
      const pixels = await end()
      const slot = operation.slot(step)
      if (modes.includes('plain')) state = { pipeline: call(openRgba(pixels, open)), mode: 'plain' }
      else if (slot === 'sharpen') state = { pixels: await sharpenColors(pixels, call, open) }
      else if (slot === 'blur') state = { pipeline: call(open16Bit(pixels, open)), mode: 'deep' }
      else {
        // The pixels may already be a reduced version of the picture (see `preShrink`).
        const block = operation.blockSize?.(step, { ...seen, ...sizeOf(pixels) }) ?? 1
        state = { pipeline: call(openWithHeadroom(pixels, block, open)), mode: 'headroom' }
      }
    }
    picture = pictureAfter(seen, planned)
    isGray ||= operation.slot(step) === 'grayscale'
  }

  for (const planned of pass) {
    const parts = partsOf(planned, picture)
    if (parts.every((part) => modesOf(part, picture).includes('plain'))) {
      await add(planned)
      continue
    }
    const mode = 'mode' in state ? state.mode : undefined
    const canContinue = parts.every((part) => mode !== undefined && modesOf(part, picture).includes(mode))
    if (planned === pass[0]) preShrink(pipeline, parts[0] ?? planned, picture)
    const pixels = canContinue ? undefined : await end()
    if (pixels !== undefined && isOpaque(pixels)) {
      state = { pipeline: openRaw(dropAlphaInPlace(pixels), open), mode: 'plain' }
      picture = { ...picture, alpha: false }
      await add(planned)
      continue
    }
    for (const part of parts) await add(part)
  }

  const last = 'pixels' in state ? openRgba(state.pixels, open) : finishPipeline(state.mode, state.pipeline)
  // The alpha channel is kept, even if all pixels are opaque.
  const whole = before.alpha && !picture.alpha ? last.ensureAlpha() : last
  return [profile === undefined ? whole : await openWithProfile(whole, profile, open), input]
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

const allModes: readonly AlphaMode[] = ['plain', 'deep', 'headroom']

/** The alpha modes of an open pipeline in which a step can be added; empty if the step needs the pixels. */
function modesOf(planned: PlannedStep, picture: Picture): readonly AlphaMode[] {
  const { operation, step } = planned
  const slot = operation.slot(step)
  switch (slot) {
    case 'sharpen':
      return picture.alpha ? [] : ['plain']
    case 'blur':
      return picture.alpha ? ['headroom'] : ['plain']
    case 'scale':
    case 'cover':
      return picture.alpha && changesPixels(planned, picture) ? [] : allModes
    case 'contain':
    case 'grayscale':
    case 'rotate':
    case 'separate':
      return ['plain']
    case 'flip':
    case 'flop':
    case 'turn':
    case 'crop':
    case null:
      return allModes
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
