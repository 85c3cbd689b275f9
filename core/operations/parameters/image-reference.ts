import { id } from '../../image.ts'

/**
 * JSON Schema `format` of a parameter that refers to another image. A plan lists these images for the ownership check.
 */
export const imageReferenceFormat = 'image-id'

/** A parameter that refers to another image of the same account. */
export function imageReference(title: string, description: string) {
  return id.meta({ title, description, format: imageReferenceFormat })
}
