import { expect, test } from 'bun:test'
import { readOptions } from './options.ts'

const known = ['one', 'two', 'three']

test('options have defaults and are converted to numbers', () => {
  expect(readOptions([], known)).toMatchObject({ images: 40, rounds: 5, parts: known, json: false })
  expect(readOptions(['--images', '10', '--upload-mib=1', '--json'], known)).toMatchObject({
    images: 10,
    uploadBytes: 1024 * 1024,
    json: true,
  })
})

test('parts can be chosen', () => {
  expect(readOptions(['--parts', 'three,one'], known).parts).toEqual(['three', 'one'])
})

test('invalid numbers and unknown options are rejected by name', () => {
  for (const args of [
    ['--images', 'many'],
    ['--rounds', '0'],
    ['--parts', 'one,four'],
    ['--works', '1k,2k'],
    ['--systems', ''],
    ['--nope'],
    ['more'],
  ])
    expect(() => readOptions(args, known)).toThrow(args[0])
})

test('all works and systems are compared by default', () => {
  expect(readOptions([], known)).toMatchObject({
    works: ['1k', '180k', '3m', '15m'],
    systems: ['pixelflow', 'sharp', 'stored', 'bullmq'],
    isQuick: false,
  })
  expect(readOptions(['--works', '3m', '--systems=sharp', '--quick'], known)).toMatchObject({
    works: ['3m'],
    systems: ['sharp'],
    isQuick: true,
  })
})
