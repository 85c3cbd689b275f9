import { deadLetterRef } from '@pixelflow/core/inputs'
import { deadLetterView, viewDeadLetter } from '@pixelflow/core/views'
import { declareCall } from '../calls/declare-call.ts'
import { deadLetterExample } from '../calls/examples.ts'
import { deadLetterNotFound } from './dead-letter-not-found.ts'

export const getDeadLetter = declareCall({
  name: 'getDeadLetter',
  tag: 'admin',
  summary: 'Get a dead letter',
  http: { method: 'GET', path: '/api/v1/admin/dead/{id}' },
  access: 'admin',
  faults: ['not_found'],
  input: deadLetterRef,
  output: deadLetterView,
  view: viewDeadLetter,
  response: { description: 'The dead letter.', example: deadLetterExample },
  open:
    ({ deadLetters }) =>
    async (_who, { id }) => {
      const found = await deadLetters.get(id)
      if (found === null) throw deadLetterNotFound(id)
      return { value: found }
    },
})
