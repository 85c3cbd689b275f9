import type { OperationDescription } from '@pixelflow/core/operations/index'

/** Allowed position of an operation in an output's steps. */
export type Place = OperationDescription['place']

/** A step being edited: values can be missing or invalid. Its `key` does not change when the step moves. */
export interface DraftStep {
  readonly key: number
  readonly op: string
  readonly values: Readonly<Record<string, unknown>>
}

/** The steps shared by all outputs (`output` is null), or those of one named output. */
export interface StepGroup {
  readonly key: number
  readonly output: string | null
  readonly steps: readonly DraftStep[]
}

/** The first group holds the shared steps and always exists; each further group is a named output. */
export type Draft = readonly [StepGroup, ...StepGroup[]]

let lastKey = 0

/** A key that no group or step of this page has used. */
export function createKey(): number {
  return (lastKey += 1)
}

export function createDraft(): Draft {
  return [{ key: createKey(), output: null, steps: [] }]
}

export function createStep(op: string, values: Readonly<Record<string, unknown>> = {}): DraftStep {
  return { key: createKey(), op, values }
}

/** The draft with the steps of one group replaced. */
export function changeSteps(
  draft: Draft,
  groupKey: number,
  change: (steps: readonly DraftStep[]) => readonly DraftStep[],
): Draft {
  return assembleDraft(
    draft.map((group) => (group.key === groupKey ? { ...group, steps: change(group.steps) } : group)),
  )
}

/** The steps with one more: appended, but before a step that must be last; first if the operation must be first. */
export function insertStep(
  steps: readonly DraftStep[],
  added: DraftStep,
  place: (op: string) => Place,
): readonly DraftStep[] {
  if (place(added.op) === 'first') return [added, ...steps]
  const end = steps.findLastIndex((step) => place(step.op) !== 'last') + 1
  return steps.toSpliced(place(added.op) === 'last' ? steps.length : end, 0, added)
}

/** The steps with one of them moved by `by` places, limited to the list. */
export function moveStep(steps: readonly DraftStep[], key: number, by: number): readonly DraftStep[] {
  const from = steps.findIndex((step) => step.key === key)
  const step = steps[from]
  const to = Math.min(Math.max(from + by, 0), steps.length - 1)
  if (step === undefined || to === from) return steps
  return steps.toSpliced(from, 1).toSpliced(to, 0, step)
}

/** The steps with one value set, or removed if it is undefined. */
export function setValue(
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
export function addOutput(draft: Draft, place: (op: string) => Place): Draft {
  const taken = new Set(draft.map((group) => group.output))
  let number = draft.length
  while (taken.has(`output-${number}`)) number += 1
  const isLast = (step: DraftStep) => place(step.op) === 'last'
  const lastSteps = draft.findLast((group) => group.steps.some(isLast))?.steps.filter(isLast) ?? []
  const [shared, ...outputs] = changeSteps(draft, draft[0].key, (steps) =>
    steps.filter((step) => !isLast(step)),
  )
  const steps = lastSteps.map((step) => createStep(step.op, step.values))
  return [shared, ...outputs, { key: createKey(), output: `output-${number}`, steps }]
}

export function removeOutput(draft: Draft, groupKey: number): Draft {
  return assembleDraft(draft.filter((group) => group.output === null || group.key !== groupKey))
}

export function renameOutput(draft: Draft, groupKey: number, output: string): Draft {
  return assembleDraft(draft.map((group) => (group.key === groupKey ? { ...group, output } : group)))
}

function assembleDraft(groups: readonly StepGroup[]): Draft {
  const [shared, ...outputs] = groups
  return shared === undefined ? createDraft() : [shared, ...outputs]
}
