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

test('what people usually say shows, what has a default is folded away', () => {
  expect([...prominentFields(resize, {}, usage)]).toEqual(['width', 'height'])
})

test('what was changed shows; a default that was written out does not', () => {
  expect([...prominentFields(resize, { fit: 'cover', kernel: 'cubic' }, usage)]).toEqual([
    'width',
    'height',
    'fit',
  ])
})

test('what the operation is about shows even with a default, what is needed even without a place', () => {
  const fields = fieldsOf({
    properties: { sigma: { type: 'number', default: 3 }, mode: { type: 'string' }, note: { type: 'string' } },
    required: ['mode'],
  })
  expect([...prominentFields(fields, {}, 'blur[:sigma]')]).toEqual(['sigma', 'mode'])
})
