import { expect, test } from 'bun:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import { Metadata, status, type ServiceError } from '@grpc/grpc-js'
import { ErrorInfoSchema } from '@pixelflow/proto/google/rpc/error_details_pb'
import { StatusSchema } from '@pixelflow/proto/google/rpc/status_pb'
import { mapGrpcError } from './map-grpc-error.ts'

test.each([
  ['the code of a reason', 'INVALID_RECIPE', 'invalid_recipe', 400],
  ['the reason of an earlier server', 'invalid_recipe', 'invalid_recipe', 400],
  ['a reason that only a newer server knows', 'MOON_TOO_FAR', 'moon_too_far', 0],
])('an error has %s', (_, reason, code, http) => {
  expect(mapGrpcError(serviceError(reason), 'localhost:50051')).toMatchObject({
    name: 'PixelflowError',
    code,
    status: http,
    message: 'No.',
  })
})

function serviceError(reason: string): ServiceError {
  const info = anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: 'pixelflow' }))
  const metadata = new Metadata()
  const details = toBinary(StatusSchema, create(StatusSchema, { code: 3, details: [info] }))
  metadata.set('grpc-status-details-bin', Buffer.from(details))
  return Object.assign(new Error('No.'), { code: status.INVALID_ARGUMENT, details: 'No.', metadata })
}
