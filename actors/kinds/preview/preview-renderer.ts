import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { formatOf } from '@pixelflow/core/format'
import type { ImageRecord } from '@pixelflow/core/image'
import { plan, type PlannedOutput } from '@pixelflow/core/recipe/plan'
import { needsMoreDetail } from '@pixelflow/core/recipe/plan-preview'
import { unknownOutput } from '@pixelflow/core/recipe/unknown-output'
import type { PreviewOptions } from '@pixelflow/core/tune/client-message'
import type { PreviewRequest } from '@pixelflow/core/tune/preview-request'
import { estimateMemory } from '../../sandbox/estimate-memory.ts'
import type { KindContext } from '../kind.ts'
import { provideSource, type SourceStores } from '../transform/fetch-source.ts'
import { requestCopy, requestPreview } from './request-preview.ts'
import type { CopyResult, CopyRequest, PreviewWork, PreviewResult } from './preview-input.ts'
import type { ScratchQuota } from './scratch-quota.ts'

export interface PreviewRendererOptions
  extends SourceStores, Pick<KindContext, 'scratch' | 'sandbox' | 'settings'> {
  /** Scratch space for the copies of all sessions. */
  readonly scratchQuota: ScratchQuota
}

/** A finished preview. */
export interface RenderedPreview extends PreviewResult {
  readonly mediaType: string
  readonly file: Uint8Array
}

type Size = Readonly<Record<'width' | 'height', number>>

/** Renders previews of one image from small copies of it in scratch space. */
export interface PreviewRenderer extends AsyncDisposable {
  /** Whether the image has been decoded: later faults concern the request, not the image. */
  readonly isOpen: boolean
  /**
   * Renders the preview of a request. `onCopy` is called for each new copy, before any preview of it: the first time,
   * and when the recipe needs the other orientation.
   * @throws Fault of the image, the recipe, or the environment.
   */
  render(
    request: PreviewRequest,
    signal: AbortSignal,
    onCopy: (source: Size, copy: Size) => Promise<void>,
  ): Promise<RenderedPreview>
}

interface Copy {
  readonly path: string
  readonly made: CopyResult
}

/** Pixels of a detailed copy, from which recipes crop: as a multiple of the preview's pixels, and at most. */
const detailFactor = 8
const maxDetailPixels = 16 * 2 ** 20

/** @throws Fault `unavailable` when the scratch quota is used up. */
export async function openPreviewRenderer(
  options: PreviewRendererOptions,
  record: ImageRecord,
  preview: PreviewOptions,
): Promise<PreviewRenderer> {
  const { scratch, sandbox, settings, scratchQuota } = options
  const { maxPixels } = settings
  await using scope = new AsyncDisposableStack()
  const copyBytes = preview.maxPixels * 4
  // At most two copies, one for each orientation mode.
  scope.use(scratchQuota.take(2 * copyBytes))
  const folder = scope.use(await scratch.folder(copyBytes))
  const owned = scope.move()
  const copies = new Map<string, Copy>()
  let count = 0

  const createCopy = async (
    name: string,
    orient: boolean,
    copyPixels: number,
    signal: AbortSignal,
  ): Promise<Copy> => {
    const path = join(folder.path, name)
    using _quota = scratchQuota.take(record.bytes)
    await using sourceFolder = scratch.lazyFolder(record.bytes)
    const source = await provideSource(options, record, sourceFolder, signal)
    const { format } = record
    const input: CopyRequest = { do: 'copy', source, format, orient, maxPixels, copyPixels, path }
    const made = await requestCopy(sandbox, record.account, input, estimateMemory(record), signal)
    copies.set(name, { path, made })
    return { path, made }
  }

  /** A copy with more detail than the usual one, or the usual one when there is no quota or time for it. */
  const detailedCopy = async (orient: boolean, usual: Copy, signal: AbortSignal): Promise<Copy> => {
    const name = `detailed-${orient}`
    const known = copies.get(name)
    if (known !== undefined) return known
    const { width, height } = usual.made.source
    const copyPixels = Math.min(detailFactor * preview.maxPixels, maxDetailPixels, width * height)
    try {
      owned.use(scratchQuota.take(copyPixels * 4))
      return await createCopy(name, orient, copyPixels, signal)
    } catch {
      signal.throwIfAborted()
      copies.set(name, usual)
      return usual
    }
  }

  return {
    get isOpen() {
      return copies.size > 0
    },
    async render({ recipe, output }, signal, onCopy) {
      const planned = plan(recipe).outputs.find(({ name }) => name === output)
      if (planned === undefined) throw unknownOutput(recipe, output, 'invalid_recipe')
      const { orient } = planned.source
      const name = `copy-${orient}`
      let copy = copies.get(name)
      if (copy === undefined) {
        copy = await createCopy(name, orient, preview.maxPixels, signal)
        await onCopy(sizeOf(copy.made.source), sizeOf(copy.made.copy))
      }
      if (needsDetail(planned, copy, preview.maxPixels)) copy = await detailedCopy(orient, copy, signal)
      const target = join(folder.path, `preview-${(count += 1)}`)
      const { path, made } = copy
      const input: PreviewWork = {
        do: 'preview',
        path,
        made,
        format: record.format,
        maxPixels,
        recipe,
        output,
        preview,
        target,
      }
      try {
        const rendered = await requestPreview(sandbox, record.account, input, signal)
        return { ...rendered, mediaType: formatOf(rendered.format).mediaType }
      } finally {
        await rm(target, { force: true })
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function needsDetail(planned: PlannedOutput, { made: { source, copy } }: Copy, maxPixels: number): boolean {
  try {
    return needsMoreDetail(planned, source, { ...copy, alpha: source.alpha }, maxPixels)
  } catch {
    // The recipe does not fit this image. The rendering reports that.
    return false
  }
}

function sizeOf({ width, height }: Size): Size {
  return { width, height }
}
