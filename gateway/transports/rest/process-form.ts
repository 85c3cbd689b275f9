import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import type { BufferedImage } from '../../process/buffer-image.ts'
import type { ImageLimits } from '../../ports.ts'
import { imageTooLarge } from '../../images/receive-image.ts'
import type { Usecases } from '../../usecases.ts'
import { contentLengthOf } from '../shared/read-body.ts'
import type { IdleTimeout } from './idle-timeout.ts'
import {
  duplicatePart,
  maxFormOverheadBytes,
  missingPart,
  parseRecipeField,
  unknownPart,
} from './parse-recipe-field.ts'
import { readFormParts } from './multipart/read-form-parts.ts'

/**
 * Reads the image and the recipe of a form with the parts `file` and `recipe`, in any order.
 * @param queryRecipe the recipe of the query; the form must not have one then
 */
export async function readProcessForm(
  { usecases, limits }: { readonly usecases: Pick<Usecases, 'bufferImage'>; readonly limits: ImageLimits },
  principal: Principal,
  request: Request,
  queryRecipe: Recipe | undefined,
  idleTimeout: IdleTimeout,
): Promise<{ image: BufferedImage; recipe: Recipe }> {
  if ((contentLengthOf(request) ?? 0) > limits.maxUploadBytes + maxFormOverheadBytes)
    throw imageTooLarge(limits)
  let image: BufferedImage | undefined
  let recipe = queryRecipe
  try {
    for await (const part of readFormParts(request, idleTimeout)) {
      if (part.kind === 'file' && part.name === 'file') {
        if (image) throw duplicatePart('file')
        image = await usecases.bufferImage(principal, {
          body: part.body,
          mediaType: part.mediaType,
          bytes: null,
        })
      } else if (part.kind === 'field' && part.name === 'recipe') {
        if (queryRecipe) throw duplicateRecipe()
        if (recipe) throw duplicatePart('recipe')
        recipe = parseRecipe(parseRecipeField(part.value))
      } else throw unknownPart(part, ['file', 'recipe'])
    }
    if (!image) throw missingPart('file', 'the image')
    if (!recipe) throw missingPart('recipe', 'what to do with the image, for example resize:800/format:webp')
    return { image, recipe }
  } catch (thrown) {
    await image?.drop()
    throw thrown
  }
}

function duplicateRecipe(): Fault {
  return new Fault('invalid_request', 'The query and the form both have a recipe.', {
    field: 'recipe',
    remedy: 'Send the recipe in one of them.',
  })
}
