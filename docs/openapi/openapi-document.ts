import manifest from '../../gateway/package.json'
import * as calls from '@pixelflow/gateway/calls/calls.gen'
import type { CallDeclaration } from '@pixelflow/gateway/calls/declare-call'
import { operationsOf, pathParametersOf } from './operation.ts'
import type { Json } from './ref.ts'
import { componentSchemas } from './schemas.ts'

/** Every path of the REST API with its operations, in alphabetical order. */
export function openapiPaths(): Json {
  const declared = (Object.values(calls) as CallDeclaration[]).filter(({ http }) => http !== undefined)
  const byPath = Map.groupBy(declared, ({ http }) => http?.path ?? '')
  const paths = [...byPath].sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(
    paths.map(([path, together]) => {
      const [first] = together
      const parameters = first === undefined ? [] : pathParametersOf(first)
      return [
        path,
        {
          ...(parameters.length === 0 ? {} : { parameters }),
          ...Object.assign({}, ...together.map(operationsOf)),
        },
      ]
    }),
  )
}

/** The REST API as OpenAPI 3.1, from the schemas that the code validates with. The same for every gateway. */
export function openapiDocument(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'PixelFlow',
      version: manifest.version,
      summary: 'Upload an image, process it with a recipe, watch the progress, download the result.',
      description:
        'Every error response is a problem+json document with `code`, `detail` and `requestId`. Every response has the request id in its `X-Request-ID` header. The error codes are listed at [/docs/problems](/docs/problems).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{}, { bearer: [] }, { clientCertificate: [] }],
    tags: [
      { name: 'images', description: 'Uploaded images.' },
      { name: 'tasks', description: 'Processing of images: creation, progress and results.' },
      { name: 'admin', description: 'Calls for operators, over all accounts.' },
      { name: 'system', description: 'Information about the service.' },
    ],
    paths: openapiPaths(),
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'A token from `PIXELFLOW_API_TOKENS`, if the server requires tokens.',
        },
        clientCertificate: {
          type: 'mutualTLS',
          description:
            'A client certificate that names an account, `spiffe://pixelflow/account/<id>`, signed by an authority that the server trusts.',
        },
      },
    },
  }
}
