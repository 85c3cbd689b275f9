/** The outline of a shape, reduced to what determines its rendering time, in user units of the shape. */
export interface Outline {
  /** Line segments; a curve counts as the lines between its control points. */
  readonly segments: number
  /** The largest number of segments that one horizontal or vertical line crosses. */
  readonly crossings: number
  readonly length: number
}

/** Undefined for elements without an outline. */
export function outlineOf(tag: string, attribute: (name: string) => string | undefined): Outline | undefined {
  const path = tag === 'path' ? attribute('d') : undefined
  if (path !== undefined) return outlineOfPoints(pathPoints(path))
  const points = tag === 'polyline' || tag === 'polygon' ? attribute('points') : undefined
  if (points !== undefined) return outlineOfPoints(numbersIn(points))
  if (!simple.has(tag)) return undefined
  const sides = sizes.map((name) => Math.abs(Number.parseFloat(attribute(name) ?? '') || 0))
  return { segments: 4, crossings: 2, length: 4 * sides.reduce((sum, side) => sum + side, 0) }
}

const simple: ReadonlySet<string> = new Set(['rect', 'circle', 'ellipse', 'line', 'text'])
const sizes = ['width', 'height', 'r', 'rx', 'ry', 'x1', 'x2', 'y1', 'y2', 'font-size']

function numbersIn(text: string): Float64Array {
  return Float64Array.from(text.match(number) ?? [], Number)
}

const number = /[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/gi

/** Crossings are counted with a sweep over the starts and ends of the segments. */
function outlineOfPoints(points: Float64Array): Outline {
  const segments = Math.max(0, (points.length >> 1) - 1)
  let length = 0
  for (let i = 0; i < segments; i += 1) {
    const [x = 0, y = 0, nextX = 0, nextY = 0] = points.subarray(2 * i, 2 * i + 4)
    length += Math.hypot(nextX - x, nextY - y)
  }
  return { segments, crossings: Math.max(overlaps(points, 0), overlaps(points, 1)), length }
}

/** The largest number of segments that cover one coordinate of an axis. */
function overlaps(points: Float64Array, axis: 0 | 1): number {
  const count = Math.max(0, (points.length >> 1) - 1)
  const starts = new Float64Array(count)
  const ends = new Float64Array(count)
  for (let i = 0; i < count; i += 1) {
    const from = points[2 * i + axis] ?? 0
    const to = points[2 * i + 2 + axis] ?? 0
    starts[i] = Math.min(from, to)
    ends[i] = Math.max(from, to)
  }
  starts.sort()
  ends.sort()
  let most = 0
  for (let begun = 0, ended = 0; begun < count; begun += 1) {
    // A segment that ends where another starts does not overlap it.
    while (ended < count && (ends[ended] ?? 0) <= (starts[begun] ?? 0)) ended += 1
    most = Math.max(most, begun + 1 - ended)
  }
  return most
}

/** Arguments of each path command (SVG 2, 9.3): n for a number, f for a flag of one digit. */
const takes: Readonly<Record<string, string>> = {
  m: 'nn',
  l: 'nn',
  t: 'nn',
  h: 'n',
  v: 'n',
  s: 'nnnn',
  q: 'nnnn',
  c: 'nnnnnn',
  a: 'nnnffnn',
  z: '',
}

/** The points of a path up to the first error, control points included. */
function pathPoints(path: string): Float64Array {
  const points: number[] = []
  const read = reader(path)
  let [x, y] = [0, 0]
  let command: string | undefined
  for (;;) {
    const next = read.command()
    command = next ?? command
    const kind = command?.toLowerCase() ?? ''
    const values = read.values(takes[kind])
    if (values === undefined || (values.length === 0 && next === undefined)) break
    const [fromX, fromY] = command === kind ? [x, y] : [0, 0]
    if (kind === 'h') x = fromX + (values[0] ?? 0)
    else if (kind === 'v') y = fromY + (values[0] ?? 0)
    else {
      // An arc has only its end point, but its radii may reach far beyond.
      if (kind === 'a') points.push(x + 2 * (values[0] ?? 0), y + 2 * (values[1] ?? 0))
      const places = kind === 'a' ? values.slice(5) : values
      for (let i = 0; i + 3 < places.length; i += 2)
        points.push(fromX + (places[i] ?? 0), fromY + (places[i + 1] ?? 0))
      if (places.length > 0) {
        x = fromX + (places.at(-2) ?? 0)
        y = fromY + (places.at(-1) ?? 0)
      }
    }
    points.push(x, y)
  }
  return Float64Array.from(points)
}

/** Parses a path. Flags need no separator. */
function reader(path: string) {
  const one = { n: /[\s,]*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/iy, f: /[\s,]*([01])/y }
  const letter = /[\s,]*([a-z])/iy
  let at = 0
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at
    const [, found] = pattern.exec(path) ?? []
    if (found !== undefined) at = pattern.lastIndex
    return found
  }
  return {
    command: () => take(letter),
    /** Undefined when the arguments do not match the command. */
    values(kinds: string | undefined): number[] | undefined {
      if (kinds === undefined) return undefined
      const values: number[] = []
      for (const kind of kinds) {
        const found = take(kind === 'f' ? one.f : one.n)
        if (found === undefined) return undefined
        values.push(Number(found))
      }
      return values
    },
  }
}
