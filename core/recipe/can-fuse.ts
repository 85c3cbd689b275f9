import type { Slot } from './operation.ts'

/**
 * Whether one sharp pipeline with these calls gives the same result as the calls applied one after another.
 *
 * sharp performs its calls in a fixed order (src/pipeline.cc): auto-orient, [flip, flop, turn, rotate] if a rotation is
 * followed by a resize or a crop, crop before the resize, grayscale, scaling, flip, flop, turn, cutting or padding to
 * the box, rotate, crop after the resize, blur, sharpen. A second call of a kind replaces the first, except that two
 * crops are possible. Steps can fuse if they are in that order, or differ from it only in steps that commute.
 */
export function canFuse(slots: readonly Slot[]): boolean {
  return slots.length < 2 || (slots.every(isFusible) && keepsOrder(slots))
}

/** A call whose stage is known. */
type FusibleSlot = Exclude<Slot, 'separate'>

function isFusible(slot: Slot): slot is FusibleSlot {
  return slot !== 'separate'
}

function keepsOrder(slots: readonly FusibleSlot[]): boolean {
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

/** When sharp performs a call: its first and last stage. The numbers only define an order. */
interface Span {
  readonly from: number
  readonly to: number
}

/** Before or after the resize. */
type Phase = 'early' | 'late'

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

/** When sharp performs each call; undefined if one call would replace another. */
function performed(slots: readonly FusibleSlot[]): Span[] | undefined {
  const seen = new Set<'resize' | 'rotation' | 'crop before' | 'crop after' | FusibleSlot>()
  const phases: (Phase | undefined)[] = []
  let turnsFirst = false

  for (const slot of slots) {
    if (slot === 'crop') {
      const isAfter = seen.has('resize') || seen.has('crop before')
      seen.add(isAfter ? 'crop after' : 'crop before')
      phases.push(isAfter ? 'late' : 'early')
      const isSecond = seen.has('crop before') && seen.has('crop after')
      turnsFirst ||= seen.has('rotation') && !seen.has('resize') && !isSecond
      continue
    }
    const call = callOf(slot)
    if (seen.has(call)) return undefined
    seen.add(call)
    phases.push(undefined)
    turnsFirst ||= call === 'resize' && seen.has('rotation')
  }
  return slots.map((slot, i) => spanOf(slot, phases[i] ?? (turnsFirst ? 'early' : 'late')))
}

/** The call of sharp that a slot uses: all kinds of resize share one, and all kinds of rotation share another. */
function callOf(slot: FusibleSlot): 'resize' | 'rotation' | FusibleSlot {
  if (slot === 'scale' || slot === 'cover' || slot === 'contain') return 'resize'
  return slot === 'turn' || slot === 'rotate' ? 'rotation' : slot
}

function spanOf(slot: FusibleSlot, phase: Phase): Span {
  if (slot === 'cover' || slot === 'contain') return { from: late.scale, to: late.box }
  const stage = phase === 'early' && slot in early ? early[slot as keyof typeof early] : late[slot]
  return { from: stage, to: stage }
}

/** Whether two steps give exactly the same pixels in either order. */
function commute(a: FusibleSlot, b: FusibleSlot): boolean {
  const exact: readonly FusibleSlot[] = ['flip', 'flop', 'turn', 'crop']
  if (a === 'grayscale') return exact.includes(b)
  if (b === 'grayscale') return exact.includes(a)
  return (a === 'flip' && b === 'flop') || (a === 'flop' && b === 'flip')
}

/**
 * Whether two steps affect each other in one pipeline although their order is right:
 * - grayscale also converts the colour of padding and corners, and hides colours from the choice of the area to cut;
 * - padding may add transparency, which blur and sharpen in the same pipeline do not take into account;
 * - rotation by any angle premultiplies alpha, which happens twice if another step in the pipeline does it too.
 */
function conflictsWith(earlier: FusibleSlot, later: FusibleSlot, span: Span): boolean {
  if (earlier === 'grayscale') return later === 'cover' || later === 'contain' || later === 'rotate'
  if (earlier === 'contain') return later === 'blur' || later === 'sharpen' || later === 'rotate'
  if (later === 'rotate') return callOf(earlier) === 'resize' || earlier === 'blur' || earlier === 'sharpen'
  // A rotation before the resize is complete before the other steps begin.
  const isLate = span.from === late.rotate
  return earlier === 'rotate' && isLate && (later === 'blur' || later === 'sharpen')
}
