import { Fault } from '../fault.ts'

export function missingRecipe(): Fault {
  return new Fault('invalid_recipe', 'The recipe is missing.', {
    field: 'recipe',
    remedy: 'Send a recipe in text form, such as "resize:800/format:webp", or as an object.',
  })
}
