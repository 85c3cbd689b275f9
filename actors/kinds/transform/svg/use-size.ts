import { escapeXml } from './sanitise-value.ts'

/** Size that an `svg` within the drawing states, as text. */
export interface StatedSize {
  readonly width?: string
  readonly height?: string
}

/**
 * The attributes that a `use` without a size of its own needs to show a nested `svg` as large as that states. librsvg
 * (2.63) has it fill the whole drawing instead of what is missing.
 */
export function sizeOfUse(own: StatedSize, target: StatedSize | undefined): string {
  return (['width', 'height'] as const)
    .map((name) => {
      const stated = own[name] === undefined ? target?.[name] : undefined
      return stated === undefined ? '' : ` ${name}="${escapeXml(stated)}"`
    })
    .join('')
}
