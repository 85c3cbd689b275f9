import { noBreakSpace } from './no-break-space.ts'

/** Pixels in millions: `12 MP`. */
export function displayMegapixels(pixels: number): string {
  return `${(pixels / 1e6).toFixed(pixels < 9.95e6 ? 1 : 0)}${noBreakSpace}MP`
}
