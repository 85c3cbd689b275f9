import { expect, test } from 'bun:test'
import { checkVocabulary, wordsOf } from './check-vocabulary.ts'
import { vocabularySchema } from './vocabulary.ts'

const vocabulary = vocabularySchema.parse({
  words: [
    { out: 'blue moon', write: 'exec', in: ['identifiers', 'files'] },
    { out: 'foobar', write: 'no client', in: ['prose'], except: [{ path: 'c/', because: 'a user' }] },
  ],
  sharedExports: { shared: 'a test' },
  fileNames: [],
  unchecked: [],
})

async function problems(files: Record<string, string>): Promise<string[]> {
  const checked = Object.entries(files).map(([path, text]) => ({ path, read: () => Promise.resolve(text) }))
  return (await checkVocabulary(checked, vocabulary)).map(
    ({ path, line, problem }) => `${path}:${line} ${problem}`,
  )
}

test('names are compared by their words', () => {
  expect([wordsOf('blueMoon'), wordsOf('blue-moon.ts'), wordsOf('readHTTPBody')]).toEqual([
    'blue moon',
    'blue moon ts',
    'read http body',
  ])
})

test('declared names, comments, strings, documents and paths are checked', async () => {
  const source = [
    'export function run(blueMoon: number) {',
    '  // Foobar.',
    '  return `${blueMoon} foobar`',
    '}',
  ].join('\n')
  expect(await problems({ 'a/run.ts': source, 'a/blue-moon.md': 'x\nfoobar' })).toEqual([
    'a/run.ts:1 "blue moon" in blueMoon: write exec',
    'a/run.ts:2 "Foobar": write no client',
    'a/run.ts:3 "foobar": write no client',
    'a/blue-moon.md:0 "blue moon" in blue-moon.md: write exec',
    'a/blue-moon.md:2 "foobar": write no client',
  ])
  expect(await problems({ 'c/a.md': 'foobar' })).toEqual([])
})

test('names of enums, type parameters and aliases are checked', async () => {
  const source = [
    "import { x as blueMoon } from './x.ts'",
    'export enum run { BlueMoon }',
    'export type Box<BlueMoon> = BlueMoon',
    'export { run as aBlueMoon }',
  ].join('\n')
  const lines = (await problems({ 'a/run.ts': source })).map((one) => one.split(' ')[0])
  expect(lines).toEqual(['a/run.ts:1', 'a/run.ts:2', 'a/run.ts:3', 'a/run.ts:4'])
})

test('a file must be named after an export, and packages must not export the same name', async () => {
  expect(
    await problems({ 'a/recipes.ts': 'export const parseRecipe = 1', 'a/x.ts': 'export const y = 1' }),
  ).toEqual(['a/x.ts:0 is not named after an export (y)'])
  expect(await problems({ 'a/hub.ts': 'export const createSessionHub = 1' })).toEqual([
    'a/hub.ts:0 is not named after an export (createSessionHub)',
  ])
  expect(await problems({ 'a/recipes.gen.ts': 'export const recipes = 1' })).toEqual([])
  expect(await problems({ 'a/image.ts': 'export const readImageHead = 1, parseImage = 2' })).toEqual([])
  const shared = 'export const one = 1; export const shared = 2'
  expect(await problems({ 'a/one.ts': shared, 'b/one.ts': shared })).toEqual([
    'a/one.ts:0 exports one, and so does b/one.ts: one word, one meaning',
  ])
})
