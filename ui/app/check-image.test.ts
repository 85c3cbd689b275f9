import { describe, expect, test } from 'bun:test'
import { checkImage } from './check-image.ts'
import type { ServerSettings } from '@pixelflow/client'

const settings: ServerSettings = {
  version: '0.1.0',
  maxUploadBytes: 2 ** 20,
  maxPixels: 1e6,
  formats: ['jpeg', 'png'],
  auth: 'none',
}
const fine = { name: 'a.jpg', bytes: 1000, format: 'jpeg', width: 1000, height: 1000 } as const

describe('checkImage', () => {
  test('accepts what the server accepts', () => {
    expect(checkImage(fine, settings)).toBeNull()
    expect(checkImage({ ...fine, width: null, height: null }, settings)).toBeNull()
  })

  test.each([
    [{ ...fine, bytes: 0 }, 'invalid_request'],
    [{ ...fine, format: undefined }, 'unsupported_format'],
    [{ ...fine, format: 'tiff' as const }, 'unsupported_format'],
    [{ ...fine, bytes: 2 ** 20 + 1 }, 'image_too_large'],
    [{ ...fine, width: 1001 }, 'too_many_pixels'],
  ])('%j is refused as %s, with a remedy', (candidate, code) => {
    const refusal = checkImage(candidate, settings)
    expect(refusal?.code).toBe(code)
    expect(refusal?.remedy).toMatch(/\w/)
  })

  test('names the limit', () => {
    expect(checkImage({ ...fine, bytes: 3_000_000 }, settings)?.detail.replaceAll('\u00A0', ' ')).toBe(
      'a.jpg has 3.0 MB; the limit of this server is 1 MiB.',
    )
  })

  test('checks only the bytes before the settings are loaded', () => {
    expect(checkImage({ ...fine, bytes: 2 ** 40 }, null)).toBeNull()
    expect(checkImage({ ...fine, format: undefined }, null)?.code).toBe('unsupported_format')
  })
})
