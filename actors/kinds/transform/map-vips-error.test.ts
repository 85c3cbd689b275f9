import { expect, test } from 'bun:test'
import sharp from 'sharp'
import { mapVipsError } from './map-vips-error.ts'

test('errors of sharp have no code, so their messages are parsed', async () => {
  const error: unknown = await sharp(Buffer.from('not an image'))
    .metadata()
    .catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(Error)
  // When this fails, map by the code and remove the expressions for messages.
  expect(error).not.toHaveProperty('code')
  expect(mapVipsError(error, 'open').code).toBe('corrupt_image')
})
