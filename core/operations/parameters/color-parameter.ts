import { z } from 'zod'

/** The colour names that are accepted besides hexadecimal notation. */
const namedColors: Readonly<Record<string, string>> = {
  white: '#ffffff',
  black: '#000000',
  transparent: '#00000000',
}

const colorPattern = new RegExp(
  `^(${Object.keys(namedColors).join('|')}|#?([0-9a-fA-F]{3}|[0-9a-fA-F]{4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}))$`,
)

/**
 * A colour parameter, normalized to `#rrggbb` or `#rrggbbaa`. Forms recognize it by `format: "color"` in its JSON
 * Schema. The `#` is optional in the input, because it would have to be escaped in a URL.
 */
export function colorParameter(fallback: string, title: string, description: string) {
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
  // An alpha of ff is the default.
  return `#${full.length === 8 && full.endsWith('ff') ? full.slice(0, 6) : full}`
}

/** Whether a normalized colour is fully opaque. */
export function isOpaqueColor(canonical: string): boolean {
  return canonical.length === 7
}
