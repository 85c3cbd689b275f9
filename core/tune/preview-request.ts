import { z } from 'zod'
import { id } from '../image.ts'
import { accountId } from '../principal.ts'
import { outputName } from '../recipe/output-name.ts'
import { recipe } from '../recipe/recipe.ts'
import { openedMessage, previewMessage, refusedMessage } from './server-message.ts'
import { previewOptions } from './client-message.ts'

/**
 * Messages between a gateway and the actor that renders its previews. The gateway holds the state (recipe and newest
 * sequence) and sends all of it each time, so that any actor can take over.
 */

/** A preview to render. */
export const previewRequest = z.object({
  sequence: z.int().min(0),
  recipe,
  output: outputName,
})
export type PreviewRequest = z.infer<typeof previewRequest>

/** Opens a session of the kind `preview`. */
export const previewOpenRequest = previewRequest.extend({
  account: accountId,
  image: id,
  preview: previewOptions,
})
export type PreviewOpenRequest = z.infer<typeof previewOpenRequest>

/** The answer of the actor; `preview` carries the file. `refused` concerns one change; the session continues. */
export const previewResponse = z.discriminatedUnion('type', [openedMessage, previewMessage, refusedMessage])
export type PreviewResponse = z.infer<typeof previewResponse>
