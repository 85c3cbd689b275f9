import { describeOperations } from '@pixelflow/core/operations/index'
import { noInput } from '@pixelflow/core/inputs'
import { operationsView } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'
import { operationExample } from '../calls/examples.ts'

/** The catalogue of operations with their schemas; created once. */
export const listOperations = declareCall({
  name: 'listOperations',
  tag: 'system',
  summary: 'List the operations of recipes',
  http: { method: 'GET', path: '/api/v1/operations' },
  rpc: ImageService.method.listOperations,
  access: 'tasks:read',
  input: noInput,
  output: operationsView,
  response: {
    description: 'The operations.',
    isConstant: true,
    example: { operations: [operationExample], recipe: { type: 'object' } },
  },
  open() {
    const value = describeOperations()
    return () => ({ value })
  },
})
