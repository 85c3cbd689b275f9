import { listDeadLettersInput } from '@pixelflow/core/inputs'
import { deadLetterPageView, viewDeadLetterPage } from '@pixelflow/core/views'
import { declareCall } from '../calls/declare-call.ts'
import { deadLetterExample } from '../calls/examples.ts'

export const listDeadLetters = declareCall({
  name: 'listDeadLetters',
  tag: 'admin',
  summary: 'List dead letters, oldest first',
  description:
    'Dead letters of all accounts, with internal causes that the owners of the tasks do not see. Requires the scope `admin`.',
  http: { method: 'GET', path: '/api/v1/admin/dead' },
  access: 'admin',
  input: listDeadLettersInput,
  output: deadLetterPageView,
  view: viewDeadLetterPage,
  response: { description: 'A page of dead letters.', example: { items: [deadLetterExample], next: null } },
  open:
    ({ deadLetters }) =>
    async (_who, query) => ({ value: await deadLetters.list(query) }),
})
