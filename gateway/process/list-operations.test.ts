import { expect, test } from 'bun:test'
import { describeOperations } from '@pixelflow/core/operations/index'
import { operationsView, operationView } from '@pixelflow/core/views'

test('the catalogue has the form that the contract describes', () => {
  const { operations, recipe } = describeOperations()
  expect(operationsView.parse({ operations, recipe })).toEqual({ operations, recipe } as never)
  for (const one of operations) expect(operationView.parse(one)).toEqual(one as never)
})
