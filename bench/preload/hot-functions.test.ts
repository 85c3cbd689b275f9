import { expect, test } from 'bun:test'
import { addTraces, renderHotFunctions } from './hot-functions.ts'

test('the innermost functions are counted and sorted', () => {
  const samples = new Map<string, number>()
  const frame = (name: string) => ({ name, sourceURL: 'file.ts' })
  addTraces(samples, {
    traces: [
      { frames: [frame('one'), frame('main')] },
      { frames: [frame('two'), frame('one')] },
      { frames: [frame('two')] },
      { frames: [] },
    ],
  })
  const text = renderHotFunctions(samples)
  expect(text).toContain('3 samples')
  expect(text).toMatch(/\| 66\.7 % \| 2 \| two file\.ts \|\n\| 33\.3 % \| 1 \| one file\.ts \|/)
})
