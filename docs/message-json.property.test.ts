import { describe, expect, test } from 'bun:test'
import { create, fromBinary, toBinary, type DescMethod } from '@bufbuild/protobuf'
import { eventView } from '@pixelflow/core/views'
import { fromResponse, toMessage, type MessageJson } from '@pixelflow/proto/message-json'
import { TaskEventSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import fc from 'fast-check'
import { z } from 'zod'
import { schemaArbitrary } from './testing/schema-arbitrary.ts'
import { readInput } from '@pixelflow/gateway/transports/grpc/call-methods'
import * as calls from '@pixelflow/gateway/calls/calls.gen'
import { findAbsences } from './find-absences.ts'
import { outputMessageOf } from '@pixelflow/gateway/calls/output-message'
import type { CallDeclaration, UnaryCall } from '@pixelflow/gateway/calls/declare-call'

/** What crosses gRPC is the same value as over REST: for random inputs and outputs of every declared unary call. */

type RpcCall = UnaryCall & { readonly rpc: DescMethod }
const unary = (Object.values(calls) as CallDeclaration[]).filter(
  (call): call is RpcCall => call.kind === 'unary' && call.rpc !== undefined,
)

describe('an input', () => {
  test.each(unary.map((call) => [call.name, call] as const))('of %s', (_, { rpc, input }) => {
    fc.assert(
      fc.property(schemaArbitrary(input, false), (value) => {
        const sent = toBinary(rpc.input, create(rpc.input, toMessage(rpc.input, value as MessageJson)))
        expect(readInput({ rpc, input }, fromBinary(rpc.input, sent))).toEqual(input.parse(value))
      }),
    )
  })
})

describe('an output', () => {
  const absences = findAbsences()
  const outputs = unary.flatMap(({ name, rpc, output }) =>
    output === null ? [] : [[name, outputMessageOf(rpc), output] as const],
  )
  test.each([...outputs, ['watchTask', TaskEventSchema, eventView.extend({ token: z.string() })] as const])(
    'of %s',
    (_, message, schema) => {
      fc.assert(
        fc.property(schemaArbitrary(schema, true), (value) => {
          const sent = toBinary(message, create(message, toMessage(message, value as MessageJson)))
          expect(fromResponse(message, fromBinary(message, sent), absences)).toEqual(value)
        }),
      )
    },
  )
})

test('a key that the message does not have is an error of the program', () => {
  expect(() => toMessage(TaskEventSchema, { kind: 'queued', color: 'red' })).toThrow(
    'pixelflow.v1.TaskEvent has no field for "color".',
  )
  expect(() => toMessage(TaskEventSchema, { kind: 'painted' })).toThrow('has no value for "painted"')
})
