import { expect, test } from 'bun:test'
import { fieldsOf } from './field.ts'
import { prominentFields } from './prominence.ts'

const resize = fieldsOf({
  properties: {
    width: { type: 'integer' },
    height: { type: 'integer' },
    fit: { enum: ['inside', 'cover'], default: 'inside' },
    kernel: { enum: ['cubic'], default: 'cubic' },
  },
})
const usage = 'resize:<width>x<height>[:fit][:name=value]'

test('positional parameters are shown, and those with a default are folded', () => {
  expect([...prominentFields(resize, {}, usage)]).toEqual(['width', 'height'])
})

test('changed values are shown; explicit values equal to the default are not', () => {
  expect([...prominentFields(resize, { fit: 'cover', kernel: 'cubic' }, usage)]).toEqual([
    'width',
    'height',
    'fit',
  ])
})

test('the first positional parameter is shown despite its default, and required ones always', () => {
  const fields = fieldsOf({
    properties: { sigma: { type: 'number', default: 3 }, mode: { type: 'string' }, note: { type: 'string' } },
    required: ['mode'],
  })
  expect([...prominentFields(fields, {}, 'blur[:sigma]')]).toEqual(['sigma', 'mode'])
})
