import type { InnerHalf } from '../sandbox/protocol.ts'
import { previewInside } from './preview/inside.ts'
import { transformInside } from './transform/inside.ts'

/** The half of each kind that runs in a child, by the name it is ordered under. */
export const innerHalves: Readonly<Record<string, InnerHalf>> = {
  transform: transformInside,
  preview: previewInside,
}
