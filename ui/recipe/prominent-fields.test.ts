import { expect, test } from 'bun:test'
import { toFields } from './field.ts'
import { selectProminentFields } from './prominent-fields.ts'

const resize = toFields({
  properties: {
    width: { type: 'integer' },
    height: { type: 'integer' },
    fit: { enum: ['inside', 'cover'], default: 'inside' },
    kernel: { enum: ['cubic'], default: 'cubic' },
  },
})
const positional = ['width', 'height', 'fit']

test('positional parameters are shown, and those with a default are folded', () => {
  expect([...selectProminentFields(resize, {}, positional)]).toEqual(['width', 'height'])
})

test('changed values are shown; explicit values equal to the default are not', () => {
  expect([...selectProminentFields(resize, { fit: 'cover', kernel: 'cubic' }, positional)]).toEqual([
    'width',
    'height',
    'fit',
  ])
})

test('the first positional parameter is shown despite its default, and required ones always', () => {
  const fields = toFields({
    properties: { sigma: { type: 'number', default: 3 }, mode: { type: 'string' }, note: { type: 'string' } },
    required: ['mode'],
  })
  expect([...selectProminentFields(fields, {}, ['sigma'])]).toEqual(['sigma', 'mode'])
})
