import { expect, test } from 'bun:test'
import { create, fromJson, toBinary, type JsonValue } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { jsonBounds } from '@pixelflow/core/json-bounds'
import {
  CreateTaskRequestSchema,
  ProcessImageUnaryRequestSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { requireBoundedMessage } from './require-bounded-message.ts'

const messageOf = (recipe: JsonValue) => {
  const request = create(CreateTaskRequestSchema, { image: 'x', recipe: fromJson(ValueSchema, recipe) })
  return toBinary(CreateTaskRequestSchema, request)
}
const check = (recipe: JsonValue) => () => requireBoundedMessage(messageOf(recipe), CreateTaskRequestSchema)
const objectOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))
const nested = (levels: number): JsonValue => (levels === 0 ? 1 : { a: nested(levels - 1) })

test('as many values as JSON may have are accepted, twice as many are refused', () => {
  check(objectOf(jsonBounds.values - 10))()
  expect(check(objectOf(2 * jsonBounds.values))).toThrow('more than 65536 fields')
})

test('the nesting of messages has the same limit', () => {
  check(nested(jsonBounds.depth))()
  expect(check(nested(2 * jsonBounds.depth))).toThrow('levels of nested messages')
})

test('bytes of an image are not counted as fields, and invalid messages pass', () => {
  const image = messageOf(objectOf(2 * jsonBounds.values))
  const message = toBinary(ProcessImageUnaryRequestSchema, create(ProcessImageUnaryRequestSchema, { image }))
  requireBoundedMessage(message, ProcessImageUnaryRequestSchema)
  requireBoundedMessage(new Uint8Array([0xff, 0xff, 0xff]), CreateTaskRequestSchema)
  requireBoundedMessage(new Uint8Array([0x0a, 0x7f, 1]), CreateTaskRequestSchema)
})
