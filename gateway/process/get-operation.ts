import { Fault } from '@pixelflow/core/fault'
import { operationRef } from '@pixelflow/core/inputs'
import { describeOperations } from '@pixelflow/core/operations/index'
import { shorten } from '@pixelflow/core/shorten'
import { findNearestWord } from '@pixelflow/core/validation/find-nearest-word'
import { operationView } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'
import { operationExample } from '../calls/examples.ts'

/** One operation of the catalogue: forms and editors need its schema only when the user chooses it. */
export const getOperation = declareCall({
  name: 'getOperation',
  tag: 'system',
  summary: 'Get an operation of recipes',
  http: { method: 'GET', path: '/api/v1/operations/{name}' },
  rpc: ImageService.method.getOperation,
  access: 'tasks:read',
  faults: ['not_found'],
  input: operationRef,
  output: operationView,
  response: { description: 'The operation.', isConstant: true, example: operationExample },
  open() {
    const operations = new Map(describeOperations().operations.map((one) => [one.name, one]))
    return (_who, { name }) => {
      const value = operations.get(name)
      if (value === undefined) throw unknownOperation(name, [...operations.keys()])
      return { value }
    }
  },
})

function unknownOperation(name: string, known: readonly string[]): Fault {
  const near = findNearestWord(name, known)
  return new Fault('not_found', `There is no operation "${shorten(name)}".`, {
    field: 'name',
    remedy: near === undefined ? 'List the operations for their names.' : `Did you mean ${near}?`,
  })
}
