import type { Outline } from './outline.ts'

/** What drawing a shape's outline comes to, in steps of about 1 ns. */
export interface OutlineCost {
  /** For each row of pixels of the result. */
  readonly perRow: number
  /** Whatever the size. */
  readonly fixed: number
}

/** Dashes shorter than this are drawn as one pale line; and what is so far away is not drawn, in pixels. */
const shortestDash = 0.003
const longestLine = 2 ** 23

/** Lines over one another that are nothing beside the rest. */
const fewCrossings = 200

/**
 * Lines and their dashes, over a whole drawing: a property may come from anywhere, also to what `use` shows, so the
 * widest stroke and the shortest dash stand for all.
 */
export class Strokes {
  #isStroked = false
  #width = 1
  #period = Number.POSITIVE_INFINITY
  #scale = 1

  /** A property that is stated somewhere, by an attribute, a style or a rule. */
  note({ property, value }: { readonly property: string; readonly value: string }): void {
    if (property === 'stroke') this.#isStroked ||= value.trim() !== 'none'
    else if (property === 'stroke-width') this.#width = Math.max(this.#width, widthOf(value))
    else if (property === 'stroke-dasharray') this.#period = Math.min(this.#period, periodOf(value))
    else if (property === 'transform') this.noteScale(maxScaleOf(value))
  }

  /** How many times larger than it states something is drawn. */
  noteScale(scale: number): void {
    this.#scale = Math.max(this.#scale, scale)
  }

  /**
   * Measured with librsvg 2.63: a row of pixels takes time that grows with the square of the lines that cross it, a long
   * path time that grows with the square of its segments, and each segment or dash of a wide line as many rows as the
   * line is wide.
   * @param side Units of the drawing along its longer side.
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
/** Units that are larger than those of the drawing; of percentages the largest drawing is thought. */
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

/** Length of a dash and the gap behind it; what is not the length of anything draws a line without dashes. */
function periodOf(value: string): number {
  const lengths = numbersIn(value.slice(0, 10_000))
  const sum = lengths.reduce((all, length) => all + length, 0)
  // An odd number of lengths is gone over twice; as many dashes are drawn as there are pairs of them.
  const pairs = lengths.length % 2 === 1 ? lengths.length : lengths.length / 2
  return sum > 0 ? (sum * (lengths.length % 2 === 1 ? 2 : 1)) / pairs : Number.POSITIVE_INFINITY
}

/** How many times larger a transformation makes what it is applied to, at most. */
export function maxScaleOf(value: string): number {
  let scale = 1
  for (const [, name = '', list = ''] of value.matchAll(/(\w+)\s*\(([^)]*)\)/g)) {
    const [a = 1, b = 0, c = 0, d = 0] = numbersIn(list)
    if (/^scale/i.test(name)) scale *= Math.max(Math.abs(a), Math.abs(b))
    else if (/^matrix/i.test(name)) scale *= Math.max(Math.hypot(a, b), Math.hypot(c, d))
  }
  return scale
}
