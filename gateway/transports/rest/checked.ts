import { Fault } from '@pixelflow/core/fault'
import type { z } from 'zod'

/** A value as its schema has it. @throws Fault `invalid_request` naming the field and what is wrong with it. */
export function checked<S extends z.ZodType>(schema: S, value: unknown, whole: string): z.infer<S> {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const [issue] = error.issues
  const unknownKeys = issue?.code === 'unrecognized_keys' ? issue.keys : undefined
  const field = [...(issue?.path ?? []), ...(unknownKeys?.slice(0, 1) ?? [])].join('.')
  throw new Fault(
    'invalid_request',
    `${field === '' ? whole : `"${field}" of ${whole}`}: ${issue?.message ?? 'not valid'}.`,
    {
      ...(field === '' ? {} : { field }),
      remedy: 'The interface is described at /docs.',
    },
  )
}
