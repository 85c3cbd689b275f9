import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import type { BufferedImage } from '../../process/buffer-image.ts'
import type { ImageLimits } from '../../ports.ts'
import { imageTooLarge } from '../../images/receive-image.ts'
import type { Usecases } from '../../usecases.ts'
import { contentLengthOf } from '../shared/read-body.ts'
import type { IdleTimeout } from '../shared/idle-timeout.ts'
import { largestWrapping, missing, parseRecipeField, twice, unexpected } from './upload-form.ts'
import { readFormParts } from './multipart/read-form-parts.ts'

/**
 * A picture that is to be processed at once, from a form with the parts `file` and `recipe`, in either order.
 * @param known the recipe, where it is known already; the form brings none then
 */
export async function readProcessForm(
  { usecases, limits }: { readonly usecases: Pick<Usecases, 'bufferImage'>; readonly limits: ImageLimits },
  who: Principal,
  request: Request,
  known: Recipe | undefined,
  alive: IdleTimeout,
): Promise<{ image: BufferedImage; recipe: Recipe }> {
  if ((contentLengthOf(request) ?? 0) > limits.maxUploadBytes + largestWrapping) throw imageTooLarge(limits)
  let image: BufferedImage | undefined
  let recipe = known
  try {
    for await (const part of readFormParts(request, alive)) {
      if (part.kind === 'file' && part.name === 'file') {
        if (image) throw twice('file')
        image = await usecases.bufferImage(who, { body: part.body, mediaType: part.mediaType, bytes: null })
      } else if (part.kind === 'field' && part.name === 'recipe') {
        if (known) throw inBoth()
        if (recipe) throw twice('recipe')
        recipe = parseRecipe(parseRecipeField(part.value))
      } else throw unexpected(part, ['file', 'recipe'])
    }
    if (!image) throw missing('file', 'the image')
    if (!recipe) throw missing('recipe', 'what to do with the image, for example resize:800/format:webp')
    return { image, recipe }
  } catch (thrown) {
    await image?.drop()
    throw thrown
  }
}

function inBoth(): Fault {
  return new Fault('invalid_request', 'The recipe is given in the query and in the form.', {
    field: 'recipe',
    remedy: 'Give it in one of them.',
  })
}
