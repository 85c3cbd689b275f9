import { escapeXml } from './sanitise-value.ts'

/** The `width` and `height` attributes of a nested `svg`, as text. */
export interface StatedSize {
  readonly width?: string
  readonly height?: string
}

/**
 * The attributes that a `use` without a size needs to show a nested `svg` in its stated size. Works around librsvg
 * 2.63, which lets the nested `svg` fill the whole drawing.
 */
export function sizeOfUse(own: StatedSize, target: StatedSize | undefined): string {
  return (['width', 'height'] as const)
    .map((name) => {
      const stated = own[name] === undefined ? target?.[name] : undefined
      return stated === undefined ? '' : ` ${name}="${escapeXml(stated)}"`
    })
    .join('')
}
