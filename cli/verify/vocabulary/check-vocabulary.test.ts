import { expect, test } from 'bun:test'
import { checkVocabulary, wordsOf } from './check-vocabulary.ts'
import { vocabularySchema } from './vocabulary.ts'

const vocabulary = vocabularySchema.parse({
  words: [
    { out: 'hand over', write: 'exec', in: ['identifiers', 'files'] },
    { out: 'nobody', write: 'no client', in: ['prose'], except: [{ path: 'c/', because: 'a user' }] },
  ],
  sharedExports: { shared: 'a test' },
  fileNames: [],
  unchecked: [],
  open: [],
})

async function problems(files: Record<string, string>): Promise<string[]> {
  const checked = Object.entries(files).map(([path, text]) => ({ path, read: () => Promise.resolve(text) }))
  return (await checkVocabulary(checked, vocabulary)).map(
    ({ path, line, problem }) => `${path}:${line} ${problem}`,
  )
}

test('names are compared by their words', () => {
  expect([wordsOf('handOver'), wordsOf('hand-over.ts'), wordsOf('readHTTPBody')]).toEqual([
    'hand over',
    'hand over ts',
    'read http body',
  ])
})

test('declared names, comments, strings, documents and paths are checked', async () => {
  const source = [
    'export function run(handOver: number) {',
    '  // Nobody.',
    '  return `${handOver} nobody`',
    '}',
  ].join('\n')
  expect(await problems({ 'a/run.ts': source, 'a/hand-over.md': 'x\nnobody' })).toEqual([
    'a/run.ts:1 "hand over" in handOver: write exec',
    'a/run.ts:2 "Nobody": write no client',
    'a/run.ts:3 "nobody": write no client',
    'a/hand-over.md:0 "hand over" in hand-over.md: write exec',
    'a/hand-over.md:2 "nobody": write no client',
  ])
  expect(await problems({ 'c/a.md': 'nobody' })).toEqual([])
})

test('a file is named after an export, and packages share no exported name', async () => {
  expect(
    await problems({ 'a/recipes.ts': 'export const parseRecipe = 1', 'a/x.ts': 'export const y = 1' }),
  ).toEqual(['a/x.ts:0 is not named after an export (y)'])
  const shared = 'export const one = 1; export const shared = 2'
  expect(await problems({ 'a/one.ts': shared, 'b/one.ts': shared })).toEqual([
    'a/one.ts:0 exports one, and so does b/one.ts: one word, one meaning',
  ])
})
