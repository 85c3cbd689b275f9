import { z } from 'zod'
import { id } from '../image.ts'
import { accountId } from '../principal.ts'
import { outputName } from '../recipe/output-name.ts'
import { recipe } from '../recipe/recipe.ts'
import { openedMessage, previewMessage, refusedMessage } from './server-message.ts'
import { previewOptions } from './client-message.ts'

/**
 * What a gateway and the actor that makes its previews say to each other. The gateway keeps the truth, recipe and
 * newest sequence, and says it whole each time: so any actor can go on for any other.
 */

/** What is to be shown. */
export const previewRequest = z.object({
  sequence: z.int().min(0),
  recipe,
  output: outputName,
})
export type PreviewRequest = z.infer<typeof previewRequest>

/** What a session of the kind `preview` is opened with. */
export const previewOpenRequest = previewRequest.extend({
  account: accountId,
  image: id,
  preview: previewOptions,
})
export type PreviewOpenRequest = z.infer<typeof previewOpenRequest>

/** What the actor answers; with `preview` comes the file. A refusal is about the recipe, and only ends that change. */
export const previewResponse = z.discriminatedUnion('type', [openedMessage, previewMessage, refusedMessage])
export type PreviewResponse = z.infer<typeof previewResponse>
