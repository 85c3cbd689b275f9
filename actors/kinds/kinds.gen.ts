// Generated from the rows of core/actor-kinds.ts by docs/generate.ts; `./pixelflow verify --write` updates it.
import type { Kinds } from './kind.ts'
import { previewKind } from './preview/preview-kind.ts'
import { transformKind } from './transform/transform-kind.ts'

/** Every kind of actor, by name. */
export const kinds: Kinds = {
  transform: transformKind,
  preview: previewKind,
}
