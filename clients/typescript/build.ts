import { mkdir, rm } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { Glob } from 'bun'
import core from '../../core/package.json'
import manifest from './package.json'

/**
 * Builds the published package: `bun build.ts [folder]`. It contains JavaScript for Node, browsers and bundlers, and type
 * declarations, and does not import other packages of this workspace.
 */

const here = import.meta.dir
const root = resolve(here, '../..')

/** Builds into `outDir`, which is emptied first. @throws Error with the compiler's output. */
export async function buildPackage(outDir: string): Promise<void> {
  await rm(outDir, { recursive: true, force: true })
  await mkdir(outDir, { recursive: true })
  const external = Object.entries(manifest.dependencies).filter(([name]) => !name.startsWith('@pixelflow/'))
  await Promise.all([bundle(outDir, Object.fromEntries(external)), writeDeclarations(outDir)])
  const { name, version, description, license, type, sideEffects, engines } = manifest
  const entry = (file: string) => ({
    types: `./types/clients/typescript/${file}.d.ts`,
    default: `./${file}.js`,
  })
  const exports = { '.': entry('index'), './grpc': entry('grpc/open-grpc') }
  // Only the declarations need zod, for its types.
  const dependencies = { ...Object.fromEntries(external), zod: core.dependencies.zod }
  const published = { name, version, description, license, type, sideEffects, engines, exports, dependencies }
  await Bun.write(join(outDir, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  await Bun.write(join(outDir, 'README.md'), Bun.file(join(here, 'README.md')))
}

/** Bundles both entry points together, so that they share one `PixelflowError` class. */
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

/** Runs tsc, and keeps the declarations that the entry points import. */
async function writeDeclarations(outDir: string): Promise<void> {
  const types = join(outDir, 'types')
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const entryPoints = ['index.ts', 'grpc/open-grpc.ts'].map((file) => join(here, file))
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      declaration: true,
      emitDeclarationOnly: true,
      noEmit: false,
      rootDir: root,
      outDir: types,
      typeRoots: [join(root, 'node_modules/@types')],
    },
    files: entryPoints,
    // tsc emits no declarations for modules resolved through node_modules unless they are listed.
    include: [join(root, 'core/**/*.ts')],
    exclude: ['**/*.test.ts', '**/node_modules'],
  }
  const configFile = join(outDir, 'tsconfig.json')
  await Bun.write(configFile, JSON.stringify(config))
  const child = Bun.spawn([process.execPath, '--bun', tsc, '-p', configFile], {
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const output = (await Promise.all([child.stdout.text(), child.stderr.text()])).join('')
  await rm(configFile)
  if ((await child.exited) !== 0) throw new Error(output)
  const kept = new Set<string>()
  for (const file of entryPoints)
    await keepDeclaration(join(types, relative(root, file).replace(/\.ts$/, '.d.ts')), types, kept)
  for await (const path of new Glob('**/*.d.ts').scan({ cwd: types, absolute: true })) {
    if (!kept.has(path)) await rm(path)
  }
}

/** Rewrites a declaration and those that it imports, and adds them to `kept`. */
async function keepDeclaration(path: string, types: string, kept: Set<string>): Promise<void> {
  if (kept.has(path)) return
  kept.add(path)
  const text = rewriteImports(await Bun.file(path).text(), path, types)
  await Bun.write(path, text)
  for (const [, , target = ''] of text.matchAll(/(['"])(\.[^'"]*)\.js\1/g)) {
    await keepDeclaration(resolve(dirname(path), `${target}.d.ts`), types, kept)
  }
}

/** Rewrites the imports of a declaration to the paths of the published package. */
function rewriteImports(text: string, path: string, types: string): string {
  const withLocalCore = text.replaceAll(
    /(['"])@pixelflow\/core\/([^'"]+)\1/g,
    (_, quote: string, name: string) => {
      const target = relative(dirname(path), join(types, 'core', name))
      return `${quote}${target.startsWith('.') ? target : `./${target}`}.js${quote}`
    },
  )
  return (
    withLocalCore
      .replaceAll(/(['"])(\.[^'"]*)\.ts\1/g, '$1$2.js$1')
      // Only actors use sharp, so the published package does not depend on it.
      .replace(/^import type \{ Sharp \} from 'sharp';$/m, 'type Sharp = unknown;')
  )
}

if (import.meta.main) await buildPackage(resolve(process.argv[2] ?? join(here, 'dist')))
