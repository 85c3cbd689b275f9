import { fromBinary, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf'
import { StructSchema, ValueSchema } from '@bufbuild/protobuf/wkt'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { plainValue } from './plain-value.ts'

/**
 * Decodes the `google.protobuf.Struct` fields of a message again. protobuf-es decodes them to JSON objects, in which a `Value`
 * without a kind becomes null. Here it becomes `missingKind`, which the schemas refuse with the name of the field.
 * @param message the message that `fromBinary` has decoded from these bytes
 */
export function decodeStructs(schema: DescMessage, message: Message, bytes: Uint8Array): void {
  if (!holdsStruct(schema)) return
  const parts = new Map<number, Uint8Array[]>()
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag()
    if (type !== WireType.LengthDelimited) {
      reader.skip(type, number)
      continue
    }
    const found = parts.get(number)
    if (found) found.push(reader.bytes())
    else parts.set(number, [reader.bytes()])
  }
  for (const field of schema.fields) {
    const found = parts.get(field.number)
    if (field.fieldKind !== 'message' || found === undefined) continue
    const holder = holderOf(message, field)
    const key = field.oneof === undefined ? field.localName : 'value'
    if (holder?.[key] === undefined) continue
    // Protobuf merges repeated occurrences of a message field, which is the same as concatenating their bytes.
    const whole = Buffer.concat(found)
    if (!isStruct(field.message)) decodeStructs(field.message, holder[key] as Message, whole)
    else {
      const value = fromBinary(StructSchema, whole)
      holder[key] = plainValue({ kind: { case: 'structValue', value } })
    }
  }
}

/** The object with the value of a field; undefined when another field of its oneof is set. */
function holderOf(message: Message, { oneof, localName }: DescField): Record<string, unknown> | undefined {
  const fields = message as unknown as Record<string, unknown>
  if (oneof === undefined) return fields
  const chosen = fields[oneof.localName] as { readonly case?: string } & Record<string, unknown>
  return chosen.case === localName ? chosen : undefined
}

function isStruct({ typeName }: DescMessage): boolean {
  return typeName === StructSchema.typeName
}

const cache = new WeakMap<DescMessage, boolean>()

function holdsStruct(schema: DescMessage): boolean {
  const found = cache.get(schema)
  if (found !== undefined) return found
  // Ends the recursion of message types that contain themselves. A `Value` needs no second decoding: it keeps its kinds.
  cache.set(schema, false)
  if (schema.typeName === ValueSchema.typeName) return false
  const isHolder = schema.fields.some(
    (field) => field.fieldKind === 'message' && (isStruct(field.message) || holdsStruct(field.message)),
  )
  cache.set(schema, isHolder)
  return isHolder
}
