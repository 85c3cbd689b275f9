import { basename } from 'node:path'
import { readSource, type Fragment, type SourceText } from './read-source.ts'
import type { WordScope, Vocabulary } from './vocabulary.ts'

/** A place that violates a rule of the vocabulary. */
export interface Hit {
  readonly path: string
  /** 0 for the path itself. */
  readonly line: number
  readonly problem: string
}

export interface CheckedFile {
  readonly path: string
  read(): Promise<string>
}

/** Finds every place in the files that violates the vocabulary. */
export async function checkVocabulary(files: readonly CheckedFile[], vocabulary: Vocabulary): Promise<Hit[]> {
  const rules = vocabulary.words.map((word) => ({
    ...word,
    pattern: new RegExp(`\\b(?:${word.out})\\b`, 'gi'),
  }))
  const hits: Hit[] = []
  const exportedBy = new Map<string, Set<string>>()

  const look = (path: string, scope: WordScope, fragments: readonly Fragment[]) => {
    for (const { pattern, write, except = [], ...rule } of rules) {
      if (!rule.in.includes(scope) || except.some((one) => path.startsWith(one.path))) continue
      for (const { text, line } of fragments) {
        const compared = scope === 'prose' ? text : wordsOf(text)
        for (const { 0: found, index } of compared.matchAll(pattern)) {
          const at = scope === 'prose' ? line + (compared.slice(0, index).match(/\n/g)?.length ?? 0) : line
          const where = scope === 'prose' ? `"${found.replace(/\s+/g, ' ')}"` : `"${found}" in ${text}`
          hits.push({ path, line: at, problem: `${where}: write ${write}` })
        }
      }
    }
  }

  for (const { path, read } of files) {
    if (vocabulary.unchecked.some((one) => path.startsWith(one.path))) continue
    look(
      path,
      'files',
      path.split('/').map((text) => ({ text, line: 0 })),
    )
    if (!/\.tsx?$/.test(path)) {
      look(path, 'prose', [{ text: await read(), line: 1 }])
      continue
    }
    const source = readSource(path, await read())
    look(path, 'identifiers', source.identifiers)
    look(path, 'prose', source.prose)
    if (isTestCode(path)) continue
    const name = fileNameProblem(path, source, vocabulary)
    if (name !== undefined) hits.push({ path, line: 0, problem: name })
    for (const one of source.exported) {
      const packages = exportedBy.get(one) ?? new Set()
      exportedBy.set(one, packages.add(path))
    }
  }
  return [...hits, ...sharedNames(exportedBy, vocabulary)]
}

function sharedNames(exportedBy: ReadonlyMap<string, ReadonlySet<string>>, vocabulary: Vocabulary): Hit[] {
  return [...exportedBy].flatMap(([name, paths]) => {
    const packages = new Set([...paths].map(packageOf))
    if (packages.size < 2 || Object.hasOwn(vocabulary.sharedExports, name)) return []
    const [path = '', ...others] = paths
    return [
      { path, line: 0, problem: `exports ${name}, and so does ${others.join(', ')}: one word, one meaning` },
    ]
  })
}

/**
 * A file must be named after an export: `read-recipe.ts` exports `readRecipe`, and `recipe.ts` may export `parseRecipe`. A
 * file with several functions of one thing may be named after the thing. A generated file ends in `.gen.ts`.
 */
function fileNameProblem(
  path: string,
  { exported }: SourceText,
  { fileNames }: Vocabulary,
): string | undefined {
  const name = basename(path).replace(/(?:\.gen)?\.tsx?$/, '')
  const isFixed = /^(?:index|main|config|settings)$/.test(name) || exported.length === 0
  if (isFixed || fileNames.some((one) => path.startsWith(one.path))) return undefined
  const wanted = singular(wordsOf(name))
  const fits = exported.some((one) => wordsOfSubject(one).includes(wanted))
  const isAbout = exported.filter(
    (one) => /^[a-z]/.test(one) && ` ${singular(wordsOf(one))} `.includes(` ${wanted} `),
  )
  if (fits || isAbout.length > 1) return undefined
  return `is not named after an export (${exported.slice(0, 4).join(', ')})`
}

/**
 * The words of an export, and for a function also those after its verb and without a unit or `of` at the end: `createTask` is
 * `create task` and `task`, and `backoffMs` is `backoff`.
 */
function wordsOfSubject(name: string): string[] {
  const whole = singular(wordsOf(name))
  if (!/^[a-z]/.test(name)) return [whole]
  return [whole, whole.replace(/^[a-z\d]+ /, '')].flatMap((words) => [
    words,
    words.replace(/ (?:of|byte|ms)$/, ''),
  ])
}

/** `createHTTPServer` and `create-http-server` are `create http server`. */
export function wordsOf(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .replace(/[^A-Za-z\d]+/g, ' ')
    .trim()
    .toLowerCase()
}

function singular(words: string): string {
  return words.replaceAll(/(?:(?<=\w\w)ies|(?<=\w\w[^s])s)\b/g, (suffix) => (suffix === 'ies' ? 'y' : ''))
}

function packageOf(path: string): string {
  return path.split('/')[0] === 'clients' ? path.split('/').slice(0, 2).join('/') : (path.split('/')[0] ?? '')
}

function isTestCode(path: string): boolean {
  return /\.test\.tsx?$|\.d\.ts$|(?:^|\/)testing\//.test(path)
}
