import { fromBinary, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf'
import { StructSchema, ValueSchema } from '@bufbuild/protobuf/wkt'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { plainValue } from './plain-value.ts'

/**
 * Decodes the `google.protobuf.Struct` fields of a message again. The library decodes such a field to a JSON object, in
 * which a `Value` without a kind is null; here it is `noKind`, which the schemas refuse with the name of the field.
 * @param message what `fromBinary` made of these bytes
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
    // Several occurrences of one field are merged, as are their bytes.
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

const known = new WeakMap<DescMessage, boolean>()

function holdsStruct(schema: DescMessage): boolean {
  const found = known.get(schema)
  if (found !== undefined) return found
  // Messages may hold themselves. What a Value holds stays as the library decodes it: messages, each with its kind.
  known.set(schema, false)
  if (schema.typeName === ValueSchema.typeName) return false
  const isHolder = schema.fields.some(
    (field) => field.fieldKind === 'message' && (isStruct(field.message) || holdsStruct(field.message)),
  )
  known.set(schema, isHolder)
  return isHolder
}
