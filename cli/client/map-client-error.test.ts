import { expect, test } from 'bun:test'
import { PixelflowError } from '@pixelflow/client'
import { mapClientError } from './map-client-error.ts'

function unreachable(code?: string | number): PixelflowError {
  const cause =
    code === undefined
      ? undefined
      : Object.assign(new Error('No.'), { code, details: 'connect ECONNREFUSED 127.0.0.1:1 ' })
  return new PixelflowError('unreachable', 'The server cannot be reached.', { cause })
}

test.each([
  ['an unknown authority', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', '--ca or PIXELFLOW_CA_FILE'],
  ['a name that is not in the certificate', 'ERR_TLS_CERT_ALTNAME_INVALID', '--ca or PIXELFLOW_CA_FILE'],
  ['plain HTTP to a TLS server', 'ECONNRESET', 'https://'],
  ['a closed port', 'ECONNREFUSED', '--server or PIXELFLOW_URL'],
  ['a gRPC status', 14, '--grpc or PIXELFLOW_GRPC_URL'],
  ['no cause', undefined, '--server or PIXELFLOW_URL'],
])('the remedy for an unreachable server fits %s', (_, code, remedy) => {
  const error = mapClientError(unreachable(code))
  expect(error.reason).toBe('unreachable')
  expect(error.remedy).toContain(remedy)
  expect(error.libraryMessage).toBe(code === 14 ? 'connect ECONNREFUSED 127.0.0.1:1' : undefined)
  const cause = typeof code === 'string' ? ` Cause: ${code}.` : ''
  expect(error.message).toBe(`The server cannot be reached.${cause}`)
})
