import { Fault } from '@pixelflow/core/fault'
import type { Lane } from '@pixelflow/core/job'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { imageTooLarge, type ImageUpload } from '../../images/receive-image.ts'
import type { ImageLimits } from '../../ports.ts'
import { contentLengthOf, type IdleTimeout } from '../shared/read-body.ts'
import { readFormParts } from './multipart/read-form-parts.ts'
import {
  duplicatePart,
  maxFormOverheadBytes,
  missingPart,
  parseLaneField,
  parseRecipeField,
  unknownPart,
} from './parse-recipe-field.ts'

export interface ImageFormOptions<Image> {
  /** Receives the part `file`. */
  readonly receive: (upload: ImageUpload) => Promise<Image>
  readonly limits: ImageLimits
  /** Parts that the form may have besides `file`. */
  readonly fields: readonly ('recipe' | 'lane')[]
  /** The recipe of the query; the form must not have one then. */
  readonly queryRecipe?: Recipe | undefined
}

export interface ImageForm<Image> {
  readonly image: Image
  /** Present when `fields` has it. */
  readonly recipe: Recipe | undefined
  readonly lane: Lane | undefined
}

/** Reads a form with an image. Its parts may have any order. The image is dropped if a later part is invalid. */
export async function readImageForm<Image extends { drop(): Promise<void> }>(
  { receive, limits, fields, queryRecipe }: ImageFormOptions<Image>,
  request: Request,
  idleTimeout: IdleTimeout,
): Promise<ImageForm<Image>> {
  if ((contentLengthOf(request) ?? 0) > limits.maxUploadBytes + maxFormOverheadBytes)
    throw imageTooLarge(limits)
  let image: Image | undefined
  let recipe = queryRecipe
  let lane: Lane | undefined
  try {
    for await (const part of readFormParts(request, idleTimeout)) {
      if (part.kind === 'file' && part.name === 'file') {
        if (image) throw duplicatePart('file')
        image = await receive({ body: part.body, mediaType: part.mediaType, bytes: null })
      } else if (part.kind === 'field' && part.name === 'recipe' && fields.includes('recipe')) {
        if (queryRecipe) throw duplicateRecipe()
        if (recipe) throw duplicatePart('recipe')
        recipe = parseRecipe(parseRecipeField(part.value))
      } else if (part.kind === 'field' && part.name === 'lane' && fields.includes('lane')) {
        if (lane) throw duplicatePart('lane')
        lane = parseLaneField(part.value)
      } else throw unknownPart(part, ['file', ...fields])
    }
    if (!image) throw missingPart('file', 'the image')
    if (!recipe && fields.includes('recipe'))
      throw missingPart('recipe', 'what to do with the image, for example resize:800/format:webp')
    return { image, recipe, lane }
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
