import { expect, test } from 'bun:test'
import { z } from 'zod'
import { format } from '../operations/format.ts'
import { orient } from '../operations/orient.ts'
import { operationName } from './create-catalogue.ts'
import { pictureOperation, type Operation, type PictureOperation, type Section } from './operation.ts'
import { sortOperations } from './sort-operations.ts'

function named(name: string, section: Section, order?: number): PictureOperation {
  return pictureOperation({
    schema: z.strictObject({ op: z.literal(name) }),
    title: 'Operation',
    summary: 'Changes nothing.',
    section,
    ...(order === undefined ? {} : { order }),
    positional: [],
    examples: [name],
    slot: () => null,
    after: (_, before) => before,
    apply: (pipeline) => pipeline,
  })
}

const first = (name: string): Operation => ({ ...orient, schema: named(name, 'color').schema })
const last = (name: string): Operation => ({ ...format, schema: named(name, 'color').schema })

test('operations are sorted by place, section, order and name', () => {
  const sorted: readonly Operation[] = [
    first('b-first'),
    first('c-first'),
    named('z', 'geometry', 1),
    named('c', 'geometry', 2),
    named('d', 'geometry', 2),
    named('a', 'geometry'),
    named('b', 'geometry'),
    named('blur', 'filter'),
    named('negate', 'color', 10),
    named('a-last', 'color'),
    last('a'),
  ]
  const names = sorted.map(operationName)
  expect(sortOperations(sorted).map(operationName)).toEqual(names)
  expect(sortOperations(sorted.toReversed()).map(operationName)).toEqual(names)
})
