/** Files of the folder that are not an operation, besides tests. */
const others = ['index.ts', 'operations.gen.ts']

/**
 * Generates `core/operations/operations.gen.ts`, the list of all operations, from the names of the files in its folder.
 * Every file is an operation, except `index.ts`, the generated file and tests: `round-corners.ts` exports the operation
 * `roundCorners`. What operations have in common is in sub-folders and in `core/recipe`. Only names are read, because
 * the list may refer to files that have been renamed or removed since.
 */
export function renderOperationsIndex(folder: string): string {
  const files: readonly string[] = [...new Bun.Glob('*.ts').scanSync(folder)]
  const names: readonly string[] = files
    .filter((file) => !file.endsWith('.test.ts') && !others.includes(file))
    .map((file) => file.slice(0, -'.ts'.length))
    .toSorted()
  return [
    '// Generated from the names of the files in this folder by docs/generate.ts; `./pixelflow verify --write` updates it.',
    ...names.map((name) => `export { ${exportedName(name)} } from './${name}.ts'`),
    '',
  ].join('\n')
}

/** The camel case of a name in kebab case. */
function exportedName(name: string): string {
  return name.replaceAll(/-([a-z0-9])/g, (_, initial: string) => initial.toUpperCase())
}
