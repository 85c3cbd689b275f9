import type { DescMessage } from '@bufbuild/protobuf'
import { eventView } from '@pixelflow/core/views'
import type { Absence, Absences } from '@pixelflow/proto/message-json'
import { TaskEventSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { z } from 'zod'
import * as calls from '@pixelflow/gateway/calls/calls.gen'
import type { CallDeclaration } from '@pixelflow/gateway/calls/declare-call'
import { outputMessageOf } from '@pixelflow/gateway/calls/output-message'

/**
 * The fields of response messages that may have no value, and what that means, from the schemas of all outputs.
 * @throws Error when a message and its schema have different fields.
 */
export function findAbsences(): Absences {
  const found = new Map<string, Record<string, Absence>>()
  addAbsences(found, TaskEventSchema, eventView.extend({ token: z.string() }))
  for (const call of Object.values(calls) as CallDeclaration[]) {
    if (call.kind === 'unary' && call.rpc && call.output)
      addAbsences(found, outputMessageOf(call.rpc), call.output)
  }
  return Object.fromEntries(found)
}

function addAbsences(
  found: Map<string, Record<string, Absence>>,
  message: DescMessage,
  schema: z.ZodType,
): void {
  const { inner } = unwrap(schema)
  if (!(inner instanceof z.ZodObject) || found.has(message.typeName)) return
  const shape = inner.shape as Readonly<Record<string, z.ZodType>>
  const names = message.fields.map(({ jsonName }) => jsonName)
  const differing = [...new Set([...names, ...Object.keys(shape)])].filter(
    (name) => !names.includes(name) || !Object.hasOwn(shape, name),
  )
  if (differing.length > 0)
    throw new Error(`${message.typeName} and its schema differ in ${differing.join(', ')}.`)
  const fields: Record<string, Absence> = {}
  found.set(message.typeName, fields)
  for (const field of message.fields) {
    const { inner: value, absence } = unwrap(shape[field.jsonName] as z.ZodType)
    if (absence !== undefined) fields[field.jsonName] = absence
    const item = value instanceof z.ZodArray ? (value.element as z.ZodType) : value
    if (field.message && !field.message.typeName.startsWith('google.protobuf.'))
      addAbsences(found, field.message, item)
  }
}

/** The schema without what says that a value may be missing. */
function unwrap(schema: z.ZodType): { readonly inner: z.ZodType; readonly absence?: Absence } {
  const inside = (wrapper: { unwrap(): unknown }, absence?: Absence) => {
    const { inner, absence: deeper } = unwrap(wrapper.unwrap() as z.ZodType)
    return {
      inner,
      ...(absence === undefined && deeper === undefined ? {} : { absence: absence ?? deeper ?? 'optional' }),
    }
  }
  if (schema instanceof z.ZodOptional) return inside(schema, 'optional')
  if (schema instanceof z.ZodNullable) return inside(schema, 'nullable')
  if (schema instanceof z.ZodReadonly) return inside(schema)
  if (schema instanceof z.ZodDefault) return inside(schema, { default: schema.def.defaultValue })
  return { inner: schema }
}
