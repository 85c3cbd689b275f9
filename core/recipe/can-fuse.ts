import type { Slot } from '../operations/operation.ts'

/**
 * Whether sharp, given these calls in one pipeline, performs them as if one after the other in the order written.
 *
 * sharp performs its calls in an order of its own (src/pipeline.cc): auto-orient, [flip, flop, turn, rotate] when a
 * rotation is followed by a resize or a crop, crop before the resize, grayscale, scaling, flip, flop, turn, cutting or
 * padding to the box, rotate, crop after the resize, blur, sharpen. Each call holds once; a second one replaces the
 * first, except that there are two crops. Steps fuse when that order is theirs, or differs only between steps that may
 * change places.
 */
export function canFuse(slots: readonly Slot[]): boolean {
  const spans = performed(slots)
  if (spans === undefined) return false
  return slots.every((later, j) =>
    slots.slice(0, j).every((earlier, i) => {
      const [first, second] = [spans[i], spans[j]]
      if (first === undefined || second === undefined || conflictsWith(earlier, later, first)) return false
      return first.to < second.from || commute(earlier, later)
    }),
  )
}

/** When a call is performed: from its first to its last moment, as numbers that only mean an order. */
interface Span {
  readonly from: number
  readonly to: number
}

const early = { flip: 1, flop: 2, turn: 3, rotate: 4, crop: 5 } as const
const late = {
  grayscale: 6,
  scale: 7,
  flip: 8,
  flop: 9,
  turn: 10,
  box: 11,
  rotate: 12,
  crop: 13,
  blur: 14,
  sharpen: 15,
} as const

/** When sharp performs each call; undefined when one call would replace another. */
function performed(slots: readonly Slot[]): Span[] | undefined {
  const seen = new Set<'resize' | 'rotation' | 'crop before' | 'crop after' | Slot>()
  const places: ('early' | 'late' | undefined)[] = []
  let turnsFirst = false

  for (const slot of slots) {
    if (slot === 'crop') {
      const isAfter = seen.has('resize') || seen.has('crop before')
      seen.add(isAfter ? 'crop after' : 'crop before')
      places.push(isAfter ? 'late' : 'early')
      const isSecond = seen.has('crop before') && seen.has('crop after')
      turnsFirst ||= seen.has('rotation') && !seen.has('resize') && !isSecond
      continue
    }
    const call = callOf(slot)
    if (seen.has(call)) return undefined
    seen.add(call)
    places.push(undefined)
    turnsFirst ||= call === 'resize' && seen.has('rotation')
  }
  return slots.map((slot, i) => spanOf(slot, places[i] ?? (turnsFirst ? 'early' : 'late')))
}

/** Which call it is: the kinds of resize are one, and so are the kinds of rotation. */
function callOf(slot: Slot): 'resize' | 'rotation' | Slot {
  if (slot === 'scale' || slot === 'cover' || slot === 'contain') return 'resize'
  return slot === 'turn' || slot === 'rotate' ? 'rotation' : slot
}

function spanOf(slot: Slot, place: 'early' | 'late'): Span {
  if (slot === 'cover' || slot === 'contain') return { from: late.scale, to: late.box }
  const moment = place === 'early' && slot in early ? early[slot as keyof typeof early] : late[slot]
  return { from: moment, to: moment }
}

/** Steps that give the same pixels in either order. */
function commute(a: Slot, b: Slot): boolean {
  const exact: readonly Slot[] = ['flip', 'flop', 'turn', 'crop']
  if (a === 'grayscale') return exact.includes(b)
  if (b === 'grayscale') return exact.includes(a)
  return (a === 'flip' && b === 'flop') || (a === 'flop' && b === 'flip')
}

/**
 * Pairs that spoil each other in one pipeline although the order is right:
 * grayscale makes the colour of padding and corners gray, or hides colours from the choice of what to cut;
 * padding may bring transparency that blur and sharpen then do not reckon with;
 * rotation by any angle reckons with transparency itself, and again when a neighbour has done so already.
 */
function conflictsWith(earlier: Slot, later: Slot, span: Span): boolean {
  if (earlier === 'grayscale') return later === 'cover' || later === 'contain' || later === 'rotate'
  if (earlier === 'contain') return later === 'blur' || later === 'sharpen' || later === 'rotate'
  if (later === 'rotate') return callOf(earlier) === 'resize' || earlier === 'blur' || earlier === 'sharpen'
  // A rotation before the resize is complete when the others begin.
  const isLate = span.from === late.rotate
  return earlier === 'rotate' && isLate && (later === 'blur' || later === 'sharpen')
}
