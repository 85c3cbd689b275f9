import type { DescField, DescMessage } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { jsonBounds } from '@pixelflow/core/json-bounds'
import { Fault } from '@pixelflow/core/fault'

/** A value in an object takes four fields: entry, key, value, and kind. */
const maxFields = 4 * jsonBounds.values
/** Nested messages: three for each level of JSON, and the messages around it. The decoder's own limit is 100. */
const maxLevels = 3 * jsonBounds.depth + 8

/** The nested message types of a message by field number. */
type NestedTypes = (field: number) => NestedTypes | undefined

/**
 * Checks the number and the nesting of fields before a message is decoded, because a megabyte of small fields takes a second
 * to decode. Invalid messages may pass; the decoder rejects them.
 * @throws Fault `invalid_request` that names the bound.
 */
export function requireBoundedMessage(bytes: Uint8Array, schema: DescMessage): void {
  let fields = 0
  const walk = (part: Uint8Array, nestedTypes: NestedTypes, level: number): void => {
    if (level > maxLevels) throw tooDeep()
    const reader = new BinaryReader(part)
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag()
      if ((fields += 1) > maxFields) throw tooManyFields()
      if (type !== WireType.LengthDelimited) {
        reader.skip(type, number)
        continue
      }
      const inner = reader.bytes()
      const next = nestedTypes(number)
      if (next) walk(inner, next, level + 1)
    }
  }
  try {
    walk(bytes, nestedTypesOf(schema), 1)
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown
  }
}

const cache = new WeakMap<DescMessage, NestedTypes>()

function nestedTypesOf(schema: DescMessage): NestedTypes {
  const found = cache.get(schema)
  if (found) return found
  const byNumber = new Map(schema.fields.map((field) => [field.number, field]))
  const nestedTypes: NestedTypes = (number) => {
    const field = byNumber.get(number)
    return field && nestedTypesOfField(field)
  }
  cache.set(schema, nestedTypes)
  return nestedTypes
}

function nestedTypesOfField(field: DescField): NestedTypes | undefined {
  const { message } = field
  // On the wire a map is a list of entries with a key (1) and a value (2). A key is never a message.
  if (field.fieldKind === 'map')
    return (number) => (number === 2 && message ? nestedTypesOf(message) : undefined)
  return message && nestedTypesOf(message)
}

function tooDeep(): Fault {
  return new Fault('invalid_request', `The message has more than ${maxLevels} levels of nested messages.`, {
    remedy: `Nest at most ${jsonBounds.depth} levels of lists and objects.`,
  })
}

function tooManyFields(): Fault {
  return new Fault('invalid_request', `The message has more than ${maxFields} fields.`, {
    remedy: `Send at most ${jsonBounds.values} values in one message.`,
  })
}
