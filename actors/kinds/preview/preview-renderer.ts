import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { format } from '@pixelflow/core/format'
import type { ImageRecord } from '@pixelflow/core/image'
import { plan, type PlannedOutput } from '@pixelflow/core/recipe/plan'
import { needsMoreDetail } from '@pixelflow/core/recipe/plan-preview'
import type { PreviewOptions } from '@pixelflow/core/tune/client-message'
import type { PreviewRequest } from '@pixelflow/core/tune/preview-request'
import { estimateMemory } from '../../sandbox/estimate-memory.ts'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import type { Scratch } from '../../sandbox/scratch.ts'
import { fetchSource, type SourceStores } from '../transform/fetch-source.ts'
import type { CopyMade, MakeCopy, MakePreview, PreviewMade } from './preview-input.ts'
import type { ScratchQuota } from './scratch-quota.ts'
import { makeCopy, makePreview } from './make-preview.ts'

export interface PreviewRendererOptions extends SourceStores {
  readonly scratch: Scratch
  readonly sandbox: Sandbox
  /** Pixels a picture may have at most. */
  readonly maxPixels: number
  /** Room for what all sessions of this process keep. */
  readonly scratchQuota: ScratchQuota
}

/** A finished preview. */
export interface RenderedPreview extends PreviewMade {
  readonly mediaType: string
  readonly file: Uint8Array
}

type Size = Readonly<Record<'width' | 'height', number>>

/** Where the previews of one picture are made: small copies of it lie ready in scratch space. */
export interface PreviewRenderer extends AsyncDisposable {
  /** Whether the picture has been read: what goes wrong from then on is no fault of the picture. */
  readonly isOpen: boolean
  /**
   * Makes the preview of an order. `onCopy` hears of each copy made on the way, before any preview of it: the first
   * time, and when the recipe turns the picture otherwise than before.
   * @throws Fault of the picture, the recipe, or the surroundings.
   */
  show(
    order: PreviewRequest,
    signal: AbortSignal,
    onCopy: (source: Size, copy: Size) => Promise<void>,
  ): Promise<RenderedPreview>
}

interface Copy {
  readonly path: string
  readonly made: CopyMade
}

/** How many times the pixels of a preview a copy has that areas are cut out of, and how many it has at most. */
const finerBy = 8
const mostFine = 16 * 2 ** 20

/** @throws Fault `unavailable` when there is no room for another picture here. */
export async function openPreviewRenderer(
  options: PreviewRendererOptions,
  record: ImageRecord,
  wish: PreviewOptions,
): Promise<PreviewRenderer> {
  const { scratch, sandbox, maxPixels, scratchQuota } = options
  await using parts = new AsyncDisposableStack()
  const copyBytes = wish.maxPixels * 4
  // Two copies at most, one for each way of turning, and the source while one is made.
  parts.use(scratchQuota.take(2 * copyBytes))
  const folder = parts.use(await scratch.folder(copyBytes))
  const owned = parts.move()
  const copies = new Map<string, Copy>()
  let count = 0

  const copyOf = async (
    name: string,
    orient: boolean,
    copyPixels: number,
    signal: AbortSignal,
  ): Promise<Copy> => {
    const path = join(folder.path, name)
    using _ = scratchQuota.take(record.bytes)
    await using place = await scratch.folder(record.bytes)
    const source = join(place.path, 'source')
    await fetchSource(options, record, source, signal)
    const { format } = record
    const order: MakeCopy = { do: 'copy', source, format, orient, maxPixels, copyPixels, path }
    const made = await makeCopy(sandbox, record.account, order, estimateMemory(record), signal)
    copies.set(name, { path, made })
    return { path, made }
  }

  /** A copy with more detail than the usual one; that one itself where there is no room or time for another. */
  const finer = async (orient: boolean, usual: Copy, signal: AbortSignal): Promise<Copy> => {
    const name = `finer-${orient}`
    const known = copies.get(name)
    if (known !== undefined) return known
    const { width, height } = usual.made.source
    const copyPixels = Math.min(finerBy * wish.maxPixels, mostFine, width * height)
    try {
      owned.use(scratchQuota.take(copyPixels * 4))
      return await copyOf(name, orient, copyPixels, signal)
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
    async show({ recipe, output }, signal, onCopy) {
      const planned = plan(recipe).outputs.find(({ name }) => name === output)
      if (planned === undefined) throw noOutput(output)
      const { orient } = planned.source
      const name = `copy-${orient}`
      let copy = copies.get(name)
      if (copy === undefined) {
        copy = await copyOf(name, orient, wish.maxPixels, signal)
        await onCopy(sizeOf(copy.made.source), sizeOf(copy.made.copy))
      }
      if (isCutOut(planned, copy, wish.maxPixels)) copy = await finer(orient, copy, signal)
      const target = join(folder.path, `preview-${(count += 1)}`)
      const { path, made } = copy
      const order: MakePreview = {
        do: 'preview',
        path,
        made,
        format: record.format,
        maxPixels,
        recipe,
        output,
        wish,
        target,
      }
      try {
        const preview = await makePreview(sandbox, record.account, order, signal)
        return { ...preview, mediaType: format(preview.format).mediaType }
      } finally {
        await rm(target, { force: true })
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function isCutOut(planned: PlannedOutput, { made: { source, copy } }: Copy, maxPixels: number): boolean {
  try {
    return needsMoreDetail(planned, source, { ...copy, alpha: source.alpha }, maxPixels)
  } catch {
    // It cannot be done to this picture, and will be told.
    return false
  }
}

function sizeOf({ width, height }: Size): Size {
  return { width, height }
}

function noOutput(name: string): Fault {
  return new Fault('invalid_recipe', `The recipe makes no output "${name}".`, { field: 'output' })
}
