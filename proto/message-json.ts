import {
  fromJson,
  ScalarType,
  toJson,
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  type JsonValue,
  type Message,
  type MessageInitShape,
} from '@bufbuild/protobuf'
import {
  FeatureSet_FieldPresence as Presence,
  StructSchema,
  timestampDate,
  timestampFromDate,
  TimestampSchema,
  ValueSchema,
  type Timestamp,
  type Value,
} from '@bufbuild/protobuf/wkt'

/**
 * Converts between proto messages and the JSON of REST, so that both are the same values: names in camelCase, enums as
 * lower-case words without their prefix, times in ISO 8601, 64-bit integers as numbers, `Struct` and `Value` as JSON, and
 * the fields of a oneof side by side. What is absent in JSON is not set in the message.
 */
export type MessageJson = Readonly<Record<string, unknown>>

/** What is wrong with a message of a caller. */
export interface MessageProblem {
  /** Path of the field in names of the proto, such as `open.preview`. */
  readonly field: string
  /** The number that the enum does not have. */
  readonly unknownEnum?: { readonly number: number; readonly known: readonly string[] }
  /** The number of a field that the message does not have. */
  readonly unknownField?: number
}

/** What a field without a value means, in a response: `null`, nothing (`optional`), or another value. */
export type Absence = 'optional' | 'nullable' | { readonly default: unknown }
/** By name of message and JSON name of field. Other fields always have a value. */
export type Absences = Readonly<Record<string, Readonly<Record<string, Absence>>>>

interface Rules {
  /** Ends the conversion with an error. */
  readonly refuse?: (problem: MessageProblem) => never
  readonly absences?: Absences
  /** Replaces the conversion of `google.protobuf.Value`. */
  readonly readValue?: (value: Value) => unknown
}

/** The fields to create a message from. @throws TypeError for a key or an enum value that the proto does not have. */
export function toMessage<D extends DescMessage>(desc: D, json: MessageJson): MessageInitShape<D> {
  const { byName } = codecOf(desc)
  const init: Record<string, unknown> = {}
  for (const key in json) {
    const value = json[key]
    if (value === undefined || value === null) continue
    const field = byName.get(key)
    if (field === undefined) throw new TypeError(`${desc.typeName} has no field for "${key}".`)
    const converted = field.write(value)
    if (field.oneof === undefined) init[field.localName] = converted
    else init[field.oneof.localName] = { case: field.localName, value: converted }
  }
  return init as MessageInitShape<D>
}

/**
 * A request as JSON. A field with the default of its type is absent, because proto3 does not tell it from one that is not
 * set.
 * @param refuse called for an unknown field or enum value
 */
export function fromRequest(
  desc: DescMessage,
  message: Message,
  rules: Required<Pick<Rules, 'refuse'>> & Pick<Rules, 'readValue'>,
): Record<string, unknown> {
  return read(desc, message, rules, '')
}

/** The first field, also of a message inside, that the proto does not have; undefined when all are known. */
export function findUnknownField(desc: DescMessage, message: Message, path = ''): MessageProblem | undefined {
  const [unknown] = message.$unknown ?? []
  if (unknown !== undefined) return { field: path, unknownField: unknown.no }
  for (const field of codecOf(desc).fields) {
    const { inner, name } = field
    if (inner === undefined) continue
    const value = valueOf(field, message)
    for (const one of Array.isArray(value)
      ? (value as Message[])
      : value === undefined
        ? []
        : [value as Message]) {
      const found = findUnknownField(inner, one, path === '' ? name : `${path}.${name}`)
      if (found) return found
    }
  }
  return undefined
}

/** A response as JSON. Unknown fields and enum values of a newer server are `unspecified` or left out. */
export function fromResponse<T>(desc: DescMessage, message: Message, absences: Absences): T {
  return read(desc, message, { absences }, '') as T
}

function read(desc: DescMessage, message: Message, rules: Rules, path: string): Record<string, unknown> {
  const [unknown] = message.$unknown ?? []
  if (unknown !== undefined) rules.refuse?.({ field: path, unknownField: unknown.no })
  const absent = rules.absences?.[desc.typeName]
  const json: Record<string, unknown> = {}
  for (const field of codecOf(desc).fields) {
    const value = valueOf(field, message)
    const absence = absent?.[field.jsonName]
    const isSet = value !== undefined && !(field.isImplicit && isDefault(value))
    if (isSet)
      json[field.jsonName] = field.read(value, rules, path === '' ? field.name : `${path}.${field.name}`)
    else if (absence === 'nullable') json[field.jsonName] = null
    else if (typeof absence === 'object') json[field.jsonName] = absence.default
    // A response has each field that its schema requires, also with the default of the type.
    else if (rules.absences && absence === undefined && value !== undefined)
      json[field.jsonName] = field.read(value, rules, path)
  }
  return json
}

interface FieldCodec {
  readonly name: string
  readonly jsonName: string
  readonly localName: string
  readonly oneof: DescOneof | undefined
  /** Proto3 does not tell the default of its type from a missing value. */
  readonly isImplicit: boolean
  /** The message of the field or of the items of a list; undefined for those of google.protobuf. */
  readonly inner: DescMessage | undefined
  readonly write: (value: unknown) => unknown
  readonly read: (value: unknown, rules: Rules, path: string) => unknown
}

interface MessageCodec {
  readonly fields: readonly FieldCodec[]
  readonly byName: ReadonlyMap<string, FieldCodec>
}

const codecs = new WeakMap<DescMessage, MessageCodec>()

function codecOf(desc: DescMessage): MessageCodec {
  const known = codecs.get(desc)
  if (known) return known
  const fields = desc.fields.map((field): FieldCodec => {
    const { name, jsonName, localName, oneof } = field
    const isImplicit =
      field.presence === Presence.IMPLICIT && (field.fieldKind === 'scalar' || field.fieldKind === 'enum')
    const inner = field.fieldKind !== 'map' && !isWellKnown(field.message) ? field.message : undefined
    return { name, jsonName, localName, oneof, isImplicit, inner, ...converterOf(field) }
  })
  const codec = { fields, byName: new Map(fields.map((field) => [field.jsonName, field])) }
  codecs.set(desc, codec)
  return codec
}

function valueOf({ oneof, localName }: FieldCodec, holder: Message): unknown {
  const message = holder as unknown as MessageJson
  if (oneof === undefined) return message[localName]
  const chosen = message[oneof.localName] as { readonly case?: string; readonly value?: unknown }
  return chosen.case === localName ? chosen.value : undefined
}

function isWellKnown(message: DescMessage | undefined): boolean {
  return message?.typeName.startsWith('google.protobuf.') ?? false
}

function isDefault(value: unknown): boolean {
  return (
    value === '' ||
    value === 0 ||
    value === 0n ||
    value === false ||
    (value instanceof Uint8Array && value.length === 0)
  )
}

type Converter = Pick<FieldCodec, 'read' | 'write'>

function converterOf(field: DescField): Converter {
  switch (field.fieldKind) {
    case 'scalar':
      return scalarConverter(field.scalar)
    case 'enum':
      return enumConverter(field.enum)
    case 'message':
      return messageConverter(field.message)
    case 'list':
      return listOf(elementConverter(field))
    case 'map':
      return mapOf(elementConverter(field))
  }
}

function elementConverter(
  field: (DescField & { fieldKind: 'list' }) | (DescField & { fieldKind: 'map' }),
): Converter {
  if (field.message) return messageConverter(field.message)
  return field.enum ? enumConverter(field.enum) : scalarConverter(field.scalar)
}

const wide = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
])

function scalarConverter(type: ScalarType): Converter {
  if (!wide.has(type)) return { read: (value) => value, write: (value) => value }
  return { read: (value) => toInteger(value as bigint), write: (value) => BigInt(value as number) }
}

/** A number if it represents the value exactly; otherwise the bigint, which no schema accepts. */
function toInteger(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function enumConverter({ values, sharedPrefix = '', typeName }: DescEnum): Converter {
  const namesByNumber = new Map(
    values.map(({ name, number }) => [number, name.toLowerCase().slice(sharedPrefix.length)]),
  )
  const numbers = new Map([...namesByNumber].map(([number, name]) => [name, number]))
  const known = values.filter(({ number }) => number !== 0).map(({ name }) => name)
  return {
    read: (value, { refuse }, field) =>
      namesByNumber.get(value as number) ??
      refuse?.({ field, unknownEnum: { number: value as number, known } }) ??
      namesByNumber.get(0),
    write(value) {
      const number = numbers.get(value as string)
      if (number === undefined) throw new TypeError(`${typeName} has no value for "${String(value)}".`)
      return number
    },
  }
}

function messageConverter(desc: DescMessage): Converter {
  switch (desc.typeName) {
    case TimestampSchema.typeName:
      return {
        read: (value) => timestampDate(value as Timestamp).toISOString(),
        write: (value) => timestampFromDate(new Date(value as string)),
      }
    case StructSchema.typeName:
      return { read: (value) => value, write: (value) => value }
    case ValueSchema.typeName:
      return {
        read: (value, { readValue }) =>
          readValue ? readValue(value as Value) : toJson(ValueSchema, value as Value),
        write: (value) => fromJson(ValueSchema, value as JsonValue),
      }
    default:
      return {
        read: (value, rules, path) => read(desc, value as Message, rules, path),
        write: (value) => toMessage(desc, value as MessageJson),
      }
  }
}

function listOf({ read, write }: Converter): Converter {
  return {
    read: (values, rules, path) => (values as unknown[]).map((one, i) => read(one, rules, `${path}[${i}]`)),
    write: (values) => (values as unknown[]).map(write),
  }
}

function mapOf({ read, write }: Converter): Converter {
  const convert = (values: unknown, one: (value: unknown, key: string) => unknown) =>
    Object.fromEntries(Object.entries(values as object).map(([key, value]) => [key, one(value, key)]))
  return {
    read: (values, rules, path) => convert(values, (one, key) => read(one, rules, `${path}.${key}`)),
    write: (values) => convert(values, write),
  }
}
