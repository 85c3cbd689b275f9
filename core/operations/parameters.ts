import { z } from 'zod'
import { id } from '../image.ts'

/** Pixels a side may have at most: as many as a JPEG file can state. */
export const maxSide = 65_535

/** Names that stand for a colour; everything else is hexadecimal. */
const namedColors: Readonly<Record<string, string>> = {
  white: '#ffffff',
  black: '#000000',
  transparent: '#00000000',
}

const colorPattern = new RegExp(
  `^(${Object.keys(namedColors).join('|')}|#?([0-9a-fA-F]{3}|[0-9a-fA-F]{4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}))$`,
)

/**
 * A colour, kept as `#rrggbb` or `#rrggbbaa`. Forms find it by `format: "color"` in its JSON Schema.
 * The `#` may be missing, so that the text form fits into a URL.
 */
export function color(fallback: string, title: string, description: string) {
  return z
    .string()
    .regex(colorPattern)
    .overwrite(canonicalColor)
    .default(fallback)
    .meta({
      title,
      description: `${description} A hexadecimal colour (#rgb, #rgba, #rrggbb, #rrggbbaa; # may be left out), white, black or transparent.`,
      format: 'color',
    })
}

function canonicalColor(text: string): string {
  const named = namedColors[text]
  if (named !== undefined) return named
  const digits = text.replace('#', '').toLowerCase()
  const full = digits.length < 6 ? [...digits].map((digit) => digit + digit).join('') : digits
  // A full alpha says nothing.
  return `#${full.length === 8 && full.endsWith('ff') ? full.slice(0, 6) : full}`
}

/** Whether a canonical colour lets anything shine through. */
export function isOpaque(canonical: string): boolean {
  return canonical.length === 7
}

/** `format` of a parameter that names another image of the account: a plan lists them, so that they can be checked. */
export const imageFormat = 'image-id'

/** A parameter that names another image of the same account. */
export function imageReference(title: string, description: string) {
  return id.meta({ title, description, format: imageFormat })
}
