import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'

const root = resolve(import.meta.dir, '../..')

/** A copy of the packages of this checkout, for tests that change the code. Disposing removes it. */
export interface CheckoutCopy extends AsyncDisposable {
  readonly path: string
  /** Replaces a text in a file. @throws Error when the file does not contain it. */
  replace(file: string, text: string, by: string): Promise<void>
  /** Runs a script of the copy with Bun. @throws Error with its output when it fails. */
  run(script: string): Promise<void>
}

export async function copyCheckout(): Promise<CheckoutCopy> {
  const path = await mkdtemp(join(tmpdir(), 'pixelflow-checkout-'))
  const text = await readFile(join(root, 'package.json'), 'utf8')
  const { workspaces } = JSON.parse(text) as { workspaces: readonly string[] }
  const filter = (from: string) => !['dist', 'goldens'].includes(basename(from))
  for (const name of ['package.json', 'bun.lock', 'bunfig.toml', ...workspaces]) {
    await mkdir(join(path, name, '..'), { recursive: true })
    // The links to other packages are relative, so that they stay within the copy.
    await cp(join(root, name), join(path, name), { recursive: true, verbatimSymlinks: true, filter })
  }
  await symlink(join(root, 'node_modules'), join(path, 'node_modules'))
  return {
    path,
    async replace(file, part, by) {
      const before = await readFile(join(path, file), 'utf8')
      if (!before.includes(part)) throw new Error(`${file} does not contain ${part}`)
      await Bun.write(
        join(path, file),
        before.replace(part, () => by),
      )
    },
    async run(script) {
      const child = Bun.spawn([process.execPath, '--no-env-file', script], {
        cwd: path,
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
      })
      const [code, out, errors] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
      if (code !== 0) throw new Error(`${script} exited with ${code}:\n${out}${errors}`)
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
