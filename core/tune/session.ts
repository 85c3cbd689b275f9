import { z } from 'zod'
import { id } from '../image.ts'
import { accountId } from '../principal.ts'
import { outputName } from '../recipe/output-name.ts'
import { recipe } from '../recipe/recipe.ts'
import { tuneOpened, tunePreview, tuneRefused } from './heard.ts'
import { previewWish } from './said.ts'

/**
 * What a gateway and the actor that makes its previews say to each other. The gateway keeps the truth, recipe and
 * newest sequence, and says it whole each time: so any actor can go on for any other.
 */

/** What is to be shown. */
export const previewOrder = z.object({
  sequence: z.int().min(0),
  recipe,
  output: outputName,
})
export type PreviewOrder = z.infer<typeof previewOrder>

/** What a session of the kind `preview` is opened with. */
export const previewOpening = previewOrder.extend({ account: accountId, image: id, preview: previewWish })
export type PreviewOpening = z.infer<typeof previewOpening>

/** What the actor answers; with `preview` comes the file. A refusal is about the recipe, and only ends that change. */
export const previewNews = z.discriminatedUnion('type', [tuneOpened, tunePreview, tuneRefused])
export type PreviewNews = z.infer<typeof previewNews>
