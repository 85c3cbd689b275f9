import type { Outline } from './outline.ts'

/** Rendering cost of an outline, in steps of about 1 ns. */
export interface OutlineCost {
  /** For each row of pixels of the result. */
  readonly perRow: number
  /** Independent of the size. */
  readonly fixed: number
}

/** In pixels: shorter dashes are rendered as one pale line, and lines beyond this length are clipped. */
const shortestDash = 0.003
const longestLine = 2 ** 23

/** Crossings up to this number cost nothing compared with the rest. */
const fewCrossings = 200

/**
 * Strokes and dashes of a drawing. A property may be inherited, also through `use`, so the widest stroke and the
 * shortest dash are assumed for all outlines.
 */
export class Strokes {
  #isStroked = false
  #width = 1
  #period = Number.POSITIVE_INFINITY
  #scale = 1

  /** Records a declaration of an attribute, a `style` or a rule. */
  note({ property, value }: { readonly property: string; readonly value: string }): void {
    if (property === 'stroke') this.#isStroked ||= value.trim() !== 'none'
    else if (property === 'stroke-width') this.#width = Math.max(this.#width, widthOf(value))
    else if (property === 'stroke-dasharray') this.#period = Math.min(this.#period, periodOf(value))
    else if (property === 'transform') this.noteScale(maxScaleOf(value))
  }

  /** Records a scale factor. */
  noteScale(scale: number): void {
    this.#scale = Math.max(this.#scale, scale)
  }

  /**
   * Measured with librsvg 2.63: a row of pixels takes time that grows with the square of the crossing lines, a path
   * takes time that grows with the square of its segments, and each segment or dash of a wide stroke takes as many rows
   * as the stroke is wide.
   * @param side length of the drawing's longer side in user units.
   */
  costOf({ segments, crossings, length }: Outline, side: number): OutlineCost {
    const period = Math.max(this.#period, shortestDash / this.#scale)
    const dashes = this.#isStroked ? Math.min(length, longestLine) / period : 0
    const reach = this.#isStroked ? Math.min(1, (this.#width * this.#scale) / side) : 0
    return {
      perRow: (crossings > fewCrossings ? crossings ** 2 : 0) + (segments + dashes) * reach * 500,
      fixed: segments ** 2 / 10 + dashes * 800,
    }
  }
}

const numbers = /[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/gi
/** Units longer than one user unit, in user units, rounded up. A percentage is taken of the largest drawing. */
const units: Readonly<Record<string, number>> = {
  '%': 10,
  mm: 3.8,
  cm: 38,
  in: 96,
  pt: 1.4,
  pc: 16,
  em: 16,
  ex: 8,
}

function numbersIn(text: string): number[] {
  return (text.match(numbers) ?? []).map(Number)
}

function widthOf(value: string): number {
  const unit = /[a-z%]+\s*$/i.exec(value)?.[0].trim().toLowerCase() ?? ''
  return Math.max(0, ...numbersIn(value)) * (units[unit] ?? 1)
}

/** Mean length of a dash with its gap; Infinity for a line without dashes. */
function periodOf(value: string): number {
  const lengths = numbersIn(value.slice(0, 10_000))
  const sum = lengths.reduce((all, length) => all + length, 0)
  // An odd number of lengths is repeated once; each pair of lengths makes one dash.
  const pairs = lengths.length % 2 === 1 ? lengths.length : lengths.length / 2
  return sum > 0 ? (sum * (lengths.length % 2 === 1 ? 2 : 1)) / pairs : Number.POSITIVE_INFINITY
}

/** Upper bound of the scale factor of a transform. */
export function maxScaleOf(value: string): number {
  let scale = 1
  for (const [, name = '', list = ''] of value.matchAll(/(\w+)\s*\(([^)]*)\)/g)) {
    const [a = 1, b = 0, c = 0, d = 0] = numbersIn(list)
    if (/^scale/i.test(name)) scale *= Math.max(Math.abs(a), Math.abs(b))
    else if (/^matrix/i.test(name)) scale *= Math.max(Math.hypot(a, b), Math.hypot(c, d))
  }
  return scale
}
