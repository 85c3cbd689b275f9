import { Fault } from '@pixelflow/core/fault'
import { lanes, type Lane } from '@pixelflow/core/job'
import { shorten } from '@pixelflow/core/shorten'
import { parseJson } from '../shared/read-body.ts'
import type { FormPart } from './multipart/read-form-parts.ts'

/** Bytes of a form besides the file, for the check of Content-Length against the upload limit. */
export const maxFormOverheadBytes = 2 * 1024 * 1024

/** A recipe in either form: JSON starts with a brace, the text form never does. @throws Fault `invalid_recipe`. */
export function parseRecipeField(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return text.trim()
  try {
    return parseJson(text, 'invalid_recipe')
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('invalid_recipe', `The recipe is not valid JSON: ${(cause as Error).message}.`, {
      field: 'recipe',
      remedy: 'Correct it, or use the text form, for example resize:800/format:webp.',
      cause,
    })
  }
}

/** @throws Fault `invalid_request`. */
export function parseLaneField(text: string): Lane {
  const lane = lanes.find((one) => one === text.trim())
  if (lane) return lane
  throw new Fault('invalid_request', `lane must be ${lanes.join(' or ')}, got "${shorten(text)}".`, {
    field: 'lane',
    remedy: 'Send one of these values, or leave the part out.',
  })
}

export function duplicatePart(name: string): Fault {
  return new Fault('invalid_request', `The form has more than one part "${name}".`, {
    field: name,
    remedy: 'Send the part once.',
  })
}

export function missingPart(name: string, meaning: string): Fault {
  return new Fault('invalid_request', `The form has no part "${name}".`, {
    field: name,
    remedy: `Add a part "${name}" with ${meaning}.`,
  })
}

export function unknownPart(part: FormPart, known: readonly string[]): Fault {
  const name = shorten(part.name)
  const file = part.kind === 'file' && part.fileName ? ` (file "${shorten(part.fileName)}")` : ''
  return new Fault('invalid_request', `The form has an unknown part "${name}"${file}.`, {
    field: name,
    remedy: `Send only ${known.map((one) => `"${one}"`).join(', ')}.`,
  })
}
