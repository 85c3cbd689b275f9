import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { preparePythonVenv } from './python-venv.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-python-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const needed = { program: 'the test', requirements: 'requirements.txt', minimum: '3.10' } as const

let serial = 0
/** A checkout, a cache, and a PATH with only these shell scripts. */
async function machine(programs: Readonly<Record<string, string>>) {
  const root = join(home, String((serial += 1)))
  const path = join(root, 'bin')
  await mkdir(path, { recursive: true })
  for (const name of ['sh', 'mkdir', 'cp', 'cat', 'chmod'])
    await symlink(Bun.which(name) ?? '', join(path, name))
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(path, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
  await writeFile(join(root, 'requirements.txt'), 'nothing==1.0.0\n')
  const messages: string[] = []
  const say = (text: string) => void messages.push(text)
  return {
    root,
    path,
    messages,
    options: { root, path, say, cacheDir: join(root, 'cache'), mayInstall: true },
  }
}

/** A Python that prints a version and creates venvs whose Python records its arguments; `venv` can make that fail. */
const python = (version: string, venv = '') => `
  if [ "$1" = -c ]; then echo "$0 ${version}"; exit 0; fi
  ${venv}
  mkdir -p "$3/bin"
  cat >"$3/bin/python" <<'END'
#!/bin/sh
echo "$@" >>"\${0%/bin/python}/arguments"
END
  chmod +x "$3/bin/python"`

describe('the packages of a Python program', () => {
  test('are installed once by concurrent calls, with their hashes', async () => {
    const { options, messages } = await machine({ python3: python('3.12.1') })
    const found = await Promise.all([1, 2, 3].map(() => preparePythonVenv(needed, options)))
    expect(new Set(found).size).toBe(1)
    expect(messages.filter((line) => line.startsWith('installing'))).toHaveLength(1)
    const recorded = await Bun.file((found[0] ?? '').replace(/bin\/python$/, 'arguments')).text()
    expect(recorded.trim().split('\n')).toHaveLength(1)
    expect(recorded).toContain('--require-hashes --only-binary :all:')
  })

  test('are installed in another folder when the requirements change', async () => {
    const { options, root } = await machine({ python3: python('3.12.1') })
    const first = await preparePythonVenv(needed, options)
    await writeFile(join(root, 'requirements.txt'), 'nothing==1.0.1\n')
    expect(await preparePythonVenv(needed, options)).not.toBe(first)
  })

  test('need a recent Python', async () => {
    const { options } = await machine({ python3: python('3.9.2') })
    await expect(preparePythonVenv(needed, options)).rejects.toMatchObject({
      message: expect.stringContaining('3.9.2'),
    })
  })

  test('report the command that installs a missing Python', async () => {
    const { options } = await machine({ 'apt-get': 'exit 0' })
    await expect(preparePythonVenv(needed, { ...options, mayInstall: false })).rejects.toMatchObject({
      remedy: 'Install it: sudo apt-get install -y python3 python3-venv',
    })
    const bare = await machine({})
    await expect(preparePythonVenv(needed, bare.options)).rejects.toMatchObject({
      remedy: expect.stringContaining('Python 3.10'),
    })
  })

  test('install the venv package of Debian as root', async () => {
    const spoilt = '[ -e "${0%/python3}/venv" ] || { echo "ensurepip is not available"; exit 1; }'
    const apt =
      'echo "$@" >>"${0%/apt-get}/arguments"; [ "$1" = update ] || cat </dev/null >"${0%/apt-get}/venv"'
    const { options, path } = await machine({ python3: python('3.11.2', spoilt), 'apt-get': apt })
    await expect(preparePythonVenv(needed, { ...options, mayInstall: false })).rejects.toMatchObject({
      message: expect.stringContaining('ensurepip is not available'),
      remedy: expect.stringContaining('python3-venv'),
    })
    expect(await preparePythonVenv(needed, options)).toContain('/python/')
    expect(await Bun.file(join(path, 'arguments')).text()).toBe(
      'update -qq\ninstall -y -qq --no-install-recommends python3 python3-venv\n',
    )
  })
})
