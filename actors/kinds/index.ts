import type { Handler } from '../runtime/handler.ts'
import { transform, type TransformOptions } from './transform/transform.ts'

/** What all kinds together need. */
export type KindParts = TransformOptions

/** Every kind of actor, each with the half that runs in this process; `inner.ts` lists the other halves. */
export function handlersOf(parts: KindParts): Handler[] {
  return [transform(parts)]
}
