import { pictureAfter, type Picture } from '@pixelflow/core/operations/operation'
import type { Pass, PlannedOutput, PlannedStep } from '@pixelflow/core/recipe/plan'

/**
 * Cuts passes where the steps that all outputs share end, so that these are done once. Only where the shared steps
 * leave at most half the pixels: a decoder that shrinks while it loads does better than a large picture in memory.
 * A pass may be cut anywhere without changing the result: that is what makes it a pass.
 */
export function splitSharedPasses(
  outputs: readonly PlannedOutput[],
  sourceOf: (output: PlannedOutput) => Picture,
): readonly PlannedOutput[] {
  if (outputs.length < 2) return outputs
  return outputs.map((output) => {
    const shared = output.passes.flat().filter(isShared)
    const before = sourceOf(output)
    const after = shared.reduce<Picture>((picture, planned) => pictureAfter(planned, picture), before)
    const shrinks = after.width * after.height * 2 <= before.width * before.height
    return shrinks ? { ...output, passes: output.passes.flatMap(cut) } : output
  })
}

/**
 * Remembers pixels that several outputs begin with, each until the last output that goes on from it.
 * @param render makes the pixels of pass number `index`
 */
export function cacheSharedPasses<P>(outputs: readonly PlannedOutput[]) {
  const kept = new Map<string, P>()
  const keys = new Map(outputs.map((output) => [output, keysOf(output)]))
  const keysFor = (output: PlannedOutput) => keys.get(output) ?? []

  /** Pixels after the output's last pass; outputs are to be asked for in their order. */
  return async (
    output: PlannedOutput,
    source: P,
    render: (before: P, index: number) => Promise<P>,
  ): Promise<P> => {
    const own = keysFor(output)
    const later = outputs.slice(outputs.indexOf(output) + 1).map(keysFor)
    // Equal keys mean that all before them are equal too, so only the furthest is worth keeping.
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

/** Number of pipelines before the writing: without a step that changes pixels, it is the decoding itself. */
export function passCount({ passes }: PlannedOutput): number {
  return Math.max(1, passes.length)
}

/** For each pass what is done up to its end, and how: equal keys stand for equal pixels. */
function keysOf(output: PlannedOutput): string[] {
  const { source, passes, format } = output
  return Array.from({ length: passCount(output) }, (_, i) => {
    const steps = passes.slice(0, i + 1).map((pass) => pass.map(({ step }) => step))
    return JSON.stringify([source.orient, format.metadata, format.colorspace, steps])
  })
}

function cut(pass: Pass): Pass[] {
  return [pass.filter(isShared), pass.filter((step) => !isShared(step))].filter((part) => part.length > 0)
}

/** Steps of the recipe itself come before those of its outputs, also in a pass that holds both. */
function isShared({ field }: PlannedStep): boolean {
  return field.startsWith('steps[')
}
