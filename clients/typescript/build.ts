import { mkdir, rm } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { Glob } from 'bun'
import core from '../../core/package.json'
import manifest from './package.json'

/**
 * Makes the package as it is published: `bun build.ts [folder]`. JavaScript for Node, browsers and bundlers, with
 * declarations, and nothing of this workspace left to be resolved.
 */

const here = import.meta.dir
const root = resolve(here, '../..')

/** Builds into `outDir`, which is emptied first. @throws Error with what the compilers say. */
export async function buildPackage(outDir: string): Promise<void> {
  await rm(outDir, { recursive: true, force: true })
  await mkdir(outDir, { recursive: true })
  const published = Object.entries(manifest.dependencies).filter(([name]) => !name.startsWith('@pixelflow/'))
  await Promise.all([bundle(outDir, Object.fromEntries(published)), declare(outDir)])
  const { name, version, description, license, type, sideEffects, engines } = manifest
  const entry = (file: string) => ({
    types: `./types/clients/typescript/${file}.d.ts`,
    default: `./${file}.js`,
  })
  const exports = { '.': entry('index'), './grpc': entry('grpc/open-grpc') }
  const about = { name, version, description, license, type, sideEffects, engines, exports }
  // Of zod only the types are used, by the declarations.
  const dependencies = { ...Object.fromEntries(published), zod: core.dependencies.zod }
  const shipped = { ...about, dependencies }
  await Bun.write(join(outDir, 'package.json'), `${JSON.stringify(shipped, null, 2)}\n`)
  await Bun.write(join(outDir, 'README.md'), Bun.file(join(here, 'README.md')))
}

/** Both entries at once: an error that one throws must be an instance of the other's class. */
async function bundle(outDir: string, dependencies: Readonly<Record<string, string>>): Promise<void> {
  await Bun.build({
    entrypoints: [join(here, 'index.ts'), join(here, 'grpc/open-grpc.ts')],
    outdir: outDir,
    root: here,
    target: 'node',
    format: 'esm',
    splitting: true,
    external: Object.keys(dependencies).flatMap((name) => [name, `${name}/*`]),
  })
}

async function declare(outDir: string): Promise<void> {
  const types = join(outDir, 'types')
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const flags = { declaration: true, emitDeclarationOnly: true, noEmit: false, rootDir: root, outDir: types }
  const config = join(outDir, 'tsconfig.json')
  const files = ['index.ts', 'grpc/open-grpc.ts'].map((file) => join(here, file))
  const typeRoots = [join(root, 'node_modules/@types')]
  // What is reached through a package is taken to be declared already, unless it is named.
  const sources = {
    files,
    include: [join(root, 'core/**/*.ts')],
    exclude: ['**/*.test.ts', '**/node_modules'],
  }
  const extended = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { ...flags, typeRoots },
    ...sources,
  }
  await Bun.write(config, JSON.stringify(extended))
  const child = Bun.spawn([process.execPath, '--bun', tsc, '-p', config], { stdout: 'pipe', stderr: 'pipe' })
  const said = (await Promise.all([child.stdout.text(), child.stderr.text()])).join('')
  await rm(config)
  if ((await child.exited) !== 0) throw new Error(said)
  const wanted = new Set<string>()
  for (const file of files)
    await keep(join(types, relative(root, file).replace(/\.ts$/, '.d.ts')), types, wanted)
  for await (const path of new Glob('**/*.d.ts').scan({ cwd: types, absolute: true })) {
    if (!wanted.has(path)) await rm(path)
  }
}

/** Rewrites a declaration and what it refers to; what nothing refers to speaks of the inside. */
async function keep(path: string, types: string, wanted: Set<string>): Promise<void> {
  if (wanted.has(path)) return
  wanted.add(path)
  const text = published(await Bun.file(path).text(), path, types)
  await Bun.write(path, text)
  for (const [, , target = ''] of text.matchAll(/(['"])(\.[^'"]*)\.js\1/g)) {
    await keep(resolve(dirname(path), `${target}.d.ts`), types, wanted)
  }
}

/** A declaration whose imports are found where it is published. */
function published(text: string, path: string, types: string): string {
  const own = text.replaceAll(/(['"])@pixelflow\/core\/([^'"]+)\1/g, (_, quote: string, name: string) => {
    const near = relative(dirname(path), join(types, 'core', name))
    return `${quote}${near.startsWith('.') ? near : `./${near}`}.js${quote}`
  })
  return (
    own
      .replaceAll(/(['"])(\.[^'"]*)\.ts\1/g, '$1$2.js$1')
      // Only actors need it; recipes are checked without it.
      .replace(/^import type \{ Sharp \} from 'sharp';$/m, 'type Sharp = unknown;')
  )
}

if (import.meta.main) await buildPackage(resolve(process.argv[2] ?? join(here, 'dist')))
