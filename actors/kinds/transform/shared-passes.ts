import { parseStepPath } from '@pixelflow/core/recipe/parse-step-path'
import { pictureAfterStep, type Picture } from '@pixelflow/core/recipe/operation'
import type { Pass, PlannedOutput, PlannedStep } from '@pixelflow/core/recipe/plan'

/**
 * Splits passes after the steps that all outputs share, so that these steps run once. This happens only where the
 * shared steps leave at most half of the pixels: a decoder that shrinks while it loads is faster than a large image in
 * memory. Splitting a pass anywhere does not change the result; that is the definition of a pass.
 */
export function splitSharedPasses(
  outputs: readonly PlannedOutput[],
  sourceOf: (output: PlannedOutput) => Picture,
): readonly PlannedOutput[] {
  if (outputs.length < 2) return outputs
  return outputs.map((output) => {
    const shared = output.passes.flat().filter(isShared)
    const before = sourceOf(output)
    const after = shared.reduce<Picture>((picture, planned) => pictureAfterStep(planned, picture), before)
    const shrinks = after.width * after.height * 2 <= before.width * before.height
    return shrinks ? { ...output, passes: output.passes.flatMap(cut) } : output
  })
}

/**
 * Caches pixels that several outputs share, until the last output that uses them.
 * @param render renders pass number `index`
 */
export function cacheSharedPasses<P>(outputs: readonly PlannedOutput[]) {
  const kept = new Map<string, P>()
  const keys = new Map(outputs.map((output) => [output, keysOf(output)]))
  const keysFor = (output: PlannedOutput) => keys.get(output) ?? []

  /** The pixels after the last pass of an output. Outputs must be requested in order. */
  return async (
    output: PlannedOutput,
    source: P,
    render: (before: P, index: number) => Promise<P>,
  ): Promise<P> => {
    const own = keysFor(output)
    const later = outputs.slice(outputs.indexOf(output) + 1).map(keysFor)
    // A shared key implies that all keys before it are shared, so only the last shared pixels are kept.
    const wanted = new Set(later.map((others) => others.findLast((key, i) => key === own[i])))
    const known = own.findLastIndex((key) => kept.has(key))
    let pixels = kept.get(own[known] ?? '') ?? source
    for (const [i, key] of own.entries()) {
      if (i <= known) continue
      pixels = await render(pixels, i)
      if (wanted.has(key)) kept.set(key, pixels)
    }
    const needed = new Set(later.map((others) => others.findLast((key) => kept.has(key))))
    for (const key of kept.keys()) if (!needed.has(key)) kept.delete(key)
    return pixels
  }
}

/** Number of pipelines before the encoding. Without a step that changes pixels it is one, the decoding. */
function countPasses({ passes }: PlannedOutput): number {
  return Math.max(1, passes.length)
}

/** A key for each pass that describes all work up to its end. Equal keys mean equal pixels. */
function keysOf(output: PlannedOutput): string[] {
  const { source, passes, format } = output
  return Array.from({ length: countPasses(output) }, (_, i) => {
    const steps = passes.slice(0, i + 1).map((pass) => pass.map(({ step }) => step))
    return JSON.stringify([source.orient, format.metadata, format.colorspace, steps])
  })
}

function cut(pass: Pass): Pass[] {
  return [pass.filter(isShared), pass.filter((step) => !isShared(step))].filter((part) => part.length > 0)
}

/** Whether a step belongs to the recipe itself. Such steps come before the steps of outputs, also within a pass. */
function isShared({ field }: PlannedStep): boolean {
  return parseStepPath(field)?.output === null
}
