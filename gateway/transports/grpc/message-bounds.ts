import type { DescField, DescMessage } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { jsonBounds } from '@pixelflow/core/json-bounds'
import { Fault } from '@pixelflow/core/fault'

/** A value in an object takes four fields: entry, key, value, and its kind. */
const mostFields = 4 * jsonBounds.values
/** Messages inside each other: three for a level of JSON, and those around it. The decoder takes no more than 100. */
const mostLevels = 3 * jsonBounds.depth + 8

/** The messages that a message may hold, by the number of the field. */
type Inside = (field: number) => Inside | undefined

/**
 * Looks at a message before it is decoded, as JSON is looked at before it is parsed: a megabyte of small fields takes a
 * second to decode. What is no message may pass; the decoder says so.
 * @throws Fault `invalid_request` that names the bound.
 */
export function requireBoundedMessage(bytes: Uint8Array, schema: DescMessage): void {
  let fields = 0
  const visit = (part: Uint8Array, inside: Inside, level: number): void => {
    if (level > mostLevels) throw tooDeep()
    const reader = new BinaryReader(part)
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag()
      if ((fields += 1) > mostFields) throw tooManyFields()
      if (type !== WireType.LengthDelimited) {
        reader.skip(type, number)
        continue
      }
      const inner = reader.bytes()
      const next = inside(number)
      if (next) visit(inner, next, level + 1)
    }
  }
  try {
    visit(bytes, insideOf(schema), 1)
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown
  }
}

const known = new WeakMap<DescMessage, Inside>()

function insideOf(schema: DescMessage): Inside {
  const found = known.get(schema)
  if (found) return found
  const byNumber = new Map(schema.fields.map((field) => [field.number, field]))
  const inside: Inside = (number) => {
    const field = byNumber.get(number)
    return field && insideField(field)
  }
  known.set(schema, inside)
  return inside
}

function insideField(field: DescField): Inside | undefined {
  const { message } = field
  // On the wire a map is a list of entries, each with a key and a value; the key is never a message.
  if (field.fieldKind === 'map') return (number) => (number === 2 && message ? insideOf(message) : undefined)
  return message && insideOf(message)
}

function tooDeep(): Fault {
  return new Fault('invalid_request', `The message has more than ${mostLevels} levels of messages.`, {
    remedy: `Nest at most ${jsonBounds.depth} levels of lists and objects.`,
  })
}

function tooManyFields(): Fault {
  return new Fault('invalid_request', `The message has more than ${mostFields} fields.`, {
    remedy: `Send at most ${jsonBounds.values} values in one message.`,
  })
}
