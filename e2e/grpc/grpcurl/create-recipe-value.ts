import { fromJson, type JsonValue } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'

export const createRecipeValue = (recipe: JsonValue) => fromJson(ValueSchema, recipe)

export const quickRecipe = createRecipeValue('resize:40')
/** Takes far longer than any scenario waits; each scenario that starts it cancels it. */
export const slowRecipe = createRecipeValue('resize:2400:enlarge/format:avif:90:effort=9')
export const twoOutputsRecipe = createRecipeValue({
  steps: [{ op: 'grayscale' }],
  outputs: {
    large: { steps: [{ op: 'resize', width: 320 }] },
    small: {
      steps: [
        { op: 'resize', width: 64 },
        { op: 'format', type: 'webp' },
      ],
    },
  },
})
