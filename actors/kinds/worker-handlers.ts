import type { InnerHalf } from '../sandbox/worker-message.ts'
import { previewInside } from './preview/preview-worker.ts'
import { transformInside } from './transform/transform-worker.ts'

/** The half of each kind that runs in a child, by the name it is ordered under. */
export const innerHalves: Readonly<Record<string, InnerHalf>> = {
  transform: transformInside,
  preview: previewInside,
}
