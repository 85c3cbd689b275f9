import { deadLetterRef } from '@pixelflow/core/inputs'
import { declareCall } from '../calls/declare-call.ts'
import { deadLetterNotFound } from './dead-letter-not-found.ts'

export const deleteDeadLetter = declareCall({
  name: 'deleteDeadLetter',
  tag: 'admin',
  summary: 'Delete a dead letter',
  description: 'The task does not change.',
  http: { method: 'DELETE', path: '/api/v1/admin/dead/{id}' },
  access: 'admin',
  faults: ['not_found'],
  isAudited: true,
  input: deadLetterRef,
  output: null,
  response: { description: 'The dead letter was deleted.' },
  open:
    ({ deadLetters }) =>
    async (_who, { id }) => {
      if (!(await deadLetters.delete(id))) throw deadLetterNotFound(id)
      return { value: undefined }
    },
})
