import { settings } from './settings.ts'

const jpeg = new Uint8Array(open(settings.imageFile, 'b'))

/**
 * The image of this load test with a comment of its own, so that each upload stores a file: equal files of an account are
 * stored once.
 */
export function nextImage(): ArrayBuffer {
  return addComment(`${Date.now()} ${Math.random()}`)
}

/** Inserts a comment segment after the start marker of the JPEG. `text` is ASCII. */
function addComment(text: string): ArrayBuffer {
  const segment = [0xff, 0xfe, (text.length + 2) >> 8, (text.length + 2) & 0xff]
  const whole = new Uint8Array(jpeg.length + segment.length + text.length)
  whole.set(jpeg.subarray(0, 2))
  whole.set(segment, 2)
  whole.set(
    Array.from(text, (character) => character.charCodeAt(0)),
    2 + segment.length,
  )
  whole.set(jpeg.subarray(2), 2 + segment.length + text.length)
  return whole.buffer
}
