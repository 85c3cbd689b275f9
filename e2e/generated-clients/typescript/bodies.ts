import type { components, paths } from './schema.d.ts'

/** Statements about the generated types, which the compiler checks. */

type Schemas = components['schemas']
type Expect<T extends true> = T
type Equal<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

const id = '019aa6f2-4c1e-7d3a-9b57-2f1d8c60e4a1'

// A request body: fields and parameters with a default are optional.
export const bodies: Schemas['CreateTask'][] = [
  { image: id, recipe: 'resize:800' },
  { image: id, recipe: 'resize:800', lane: 'bulk' },
  {
    image: id,
    recipe: { steps: [{ op: 'resize', width: 800 }, { op: 'blur' }, { op: 'format', type: 'webp' }] },
  },
  { image: id, recipe: { steps: [], outputs: { small: { steps: [{ op: 'sharpen' }] } } } },
  // @ts-expect-error: no lane has this name
  { image: id, recipe: 'resize:800', lane: 'express' },
  // @ts-expect-error: a recipe is required
  { image: id },
  // @ts-expect-error: no operation has this name
  { image: id, recipe: { steps: [{ op: 'enlarge' }] } },
  // @ts-expect-error: the operation has no such parameter
  { image: id, recipe: { steps: [{ op: 'blur', width: 1 }] } },
  // @ts-expect-error: the parameter has another type
  { image: id, recipe: { steps: [{ op: 'resize', width: '800' }] } },
]

// A response: the same fields are present.
export type Responses = [
  Expect<Equal<Schemas['Task']['lane'], 'interactive' | 'bulk'>>,
  Expect<Equal<Schemas['BlurStep']['sigma'], number>>,
  Expect<Equal<Schemas['Image']['width'], number | null>>,
  Expect<Equal<Schemas['TaskPage']['next'], string | null>>,
]

// A stored recipe can be sent again.
export const again = (task: Schemas['Task']): Schemas['CreateTask'] => ({
  image: task.image,
  recipe: task.recipe,
})

// `op` discriminates the steps.
export function describeStep(step: Schemas['Step']): string {
  switch (step.op) {
    case 'resize':
      return `${step.width ?? 'auto'} ${step.fit}`
    case 'blur':
      return String(step.sigma)
    default:
      // @ts-expect-error: no other operation has the parameter
      return `${step.op} ${step.sigma === undefined}`
  }
}

// An item of an event stream: the fields of a server-sent event, discriminated by `event`.
type EventStream = paths['/api/v1/tasks/{id}/events']['get']['responses'][200]['content']['text/event-stream']
export type Item = Expect<Equal<EventStream, Schemas['ServerSentEvent']>>
export const resumeToken = (item: EventStream): string | undefined =>
  item.event === 'heartbeat' ? undefined : item.id

// A problem has a code of a closed list.
export const isInvalidRecipe = (problem: Schemas['Problem']): boolean => problem.code === 'invalid_recipe'
// @ts-expect-error: no error has this code
export const isUnknown = (problem: Schemas['Problem']): boolean => problem.code === 'teapot'

// The query of a list.
type ListQuery = NonNullable<paths['/api/v1/tasks']['get']['parameters']['query']>
export const queries: ListQuery[] = [
  {},
  { status: 'completed', limit: 10 },
  // @ts-expect-error: no task has this status
  { status: 'done' },
]
