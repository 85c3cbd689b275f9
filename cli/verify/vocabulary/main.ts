import { join, resolve } from 'node:path'
import { checkVocabulary } from './check-vocabulary.ts'
import { vocabularySchema } from './vocabulary.ts'

/** Prints every place that violates `vocabulary.json`, one per line, and exits with 1 if there is one. */

const root = resolve(import.meta.dir, '../../..')
const listed = Bun.spawnSync(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
})
const textFiles =
  /\.(?:tsx?|js|md|sh|ya?ml|tpl|py|go|proto|css|toml|json|html|svg|txt)$|Containerfile$|^pixelflow$|^\.ci\/run$/
const paths = listed.stdout
  .toString()
  .split('\0')
  .filter((path) => textFiles.test(path))
const vocabularyFile = join(root, 'cli/verify/vocabulary.json')
const vocabulary = vocabularySchema.parse(await Bun.file(vocabularyFile).json())
const files = paths.map((path) => ({ path, read: () => Bun.file(join(root, path)).text() }))
const hits = await checkVocabulary(files, vocabulary)
for (const { path, line, problem } of hits.toSorted(
  (a, b) => a.path.localeCompare(b.path) || a.line - b.line,
)) {
  console.log(`${path}${line === 0 ? '' : `:${line}`}: ${problem}`)
}
process.exitCode = hits.length === 0 ? 0 : 1
