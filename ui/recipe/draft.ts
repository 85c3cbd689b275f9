/** Allowed position of an operation in an output's steps. */
export type Place = 'first' | 'any' | 'last'

/** A step being edited: values can be missing or invalid. Its `key` does not change when the step moves. */
export interface DraftStep {
  readonly key: number
  readonly op: string
  readonly values: Readonly<Record<string, unknown>>
}

/** A list of steps: those shared by all outputs (`output` is null) or those of one named output. */
export interface Lane {
  readonly key: number
  readonly output: string | null
  readonly steps: readonly DraftStep[]
}

/** The first item holds the shared steps and always exists; each further item is a named output. */
export type Draft = readonly [Lane, ...Lane[]]

let lastKey = 0

/** A key that no item or step of this page has used. */
export function newKey(): number {
  return (lastKey += 1)
}

export function emptyDraft(): Draft {
  return [{ key: newKey(), output: null, steps: [] }]
}

export function newStep(op: string, values: Readonly<Record<string, unknown>> = {}): DraftStep {
  return { key: newKey(), op, values }
}

/** The draft with the steps of one item replaced. */
export function inLane(
  draft: Draft,
  laneKey: number,
  change: (steps: readonly DraftStep[]) => readonly DraftStep[],
): Draft {
  return withLanes(
    draft.map((lane) => (lane.key === laneKey ? { ...lane, steps: change(lane.steps) } : lane)),
  )
}

/** The steps with one more: appended, but before a step that must be last; first if the operation must be first. */
export function withStep(
  steps: readonly DraftStep[],
  added: DraftStep,
  place: (op: string) => Place,
): readonly DraftStep[] {
  if (place(added.op) === 'first') return [added, ...steps]
  const end = steps.findLastIndex((step) => place(step.op) !== 'last') + 1
  return steps.toSpliced(place(added.op) === 'last' ? steps.length : end, 0, added)
}

/** The steps with one of them moved by `by` places, limited to the list. */
export function moved(steps: readonly DraftStep[], key: number, by: number): readonly DraftStep[] {
  const from = steps.findIndex((step) => step.key === key)
  const step = steps[from]
  const to = Math.min(Math.max(from + by, 0), steps.length - 1)
  if (step === undefined || to === from) return steps
  return steps.toSpliced(from, 1).toSpliced(to, 0, step)
}

/** The steps with one value set, or removed if it is undefined. */
export function withValue(
  steps: readonly DraftStep[],
  key: number,
  name: string,
  value: unknown,
): readonly DraftStep[] {
  return steps.map((step) => {
    if (step.key !== key) return step
    const { [name]: _, ...others } = step.values
    return { ...step, values: value === undefined ? others : { ...others, [name]: value } }
  })
}

/**
 * The draft with one more named output. A step that must be last cannot stay in the shared steps, because the output's
 * steps follow those: it moves into the first output; further outputs start with a copy of the last output's steps.
 */
export function withOutput(draft: Draft, place: (op: string) => Place): Draft {
  const taken = new Set(draft.map((lane) => lane.output))
  let number = draft.length
  while (taken.has(`output-${number}`)) number += 1
  const isLast = (step: DraftStep) => place(step.op) === 'last'
  const ends = draft.findLast((lane) => lane.steps.some(isLast))?.steps.filter(isLast) ?? []
  const [shared, ...outputs] = inLane(draft, draft[0].key, (steps) => steps.filter((step) => !isLast(step)))
  const steps = ends.map((step) => newStep(step.op, step.values))
  return [shared, ...outputs, { key: newKey(), output: `output-${number}`, steps }]
}

export function withoutLane(draft: Draft, laneKey: number): Draft {
  return withLanes(draft.filter((lane) => lane.output === null || lane.key !== laneKey))
}

export function renamed(draft: Draft, laneKey: number, output: string): Draft {
  return withLanes(draft.map((lane) => (lane.key === laneKey ? { ...lane, output } : lane)))
}

function withLanes(lanes: readonly Lane[]): Draft {
  const [shared, ...outputs] = lanes
  return shared === undefined ? emptyDraft() : [shared, ...outputs]
}
