import type { DraftSource } from './to-draft.ts'

/** A recipe in both forms. */
export interface RecipeInBothForms extends DraftSource {
  readonly text: string
}

/** What the editor shows first, before the parser is loaded: useful and visible for nearly every image. */
export const initialRecipe: RecipeInBothForms = {
  text: 'resize:1200/format:webp',
  steps: [
    { op: 'resize', width: 1200 },
    { op: 'format', type: 'webp' },
  ],
}
