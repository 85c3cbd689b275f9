import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

/** The unprivileged system user of Debian and most other systems. */
const otherUid = '65534'

/** A program that runs as another user of this machine and answers each line of JSON with a line of JSON. */
export interface OtherUser extends AsyncDisposable {
  ask<A>(question: unknown): Promise<A>
}

/**
 * Starts a Bun script as an unprivileged user; runtime and script are copied to a folder that this user can read.
 *
 * @throws Error when this process does not run as root.
 */
export async function runAsOtherUser(script: string): Promise<OtherUser> {
  if (process.geteuid?.() !== 0) {
    throw new Error('This test starts a process as another user, which needs root. Run it as root.')
  }
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-other-user-'))
  const runtime = join(folder, 'bun')
  const copy = join(folder, basename(script))
  await copyFile(process.execPath, runtime)
  await copyFile(script, copy)
  for (const path of [folder, runtime, copy]) await chmod(path, 0o755)
  const child = Bun.spawn(
    [
      'setpriv',
      `--reuid=${otherUid}`,
      `--regid=${otherUid}`,
      '--clear-groups',
      runtime,
      '--no-install',
      copy,
    ],
    {
      cwd: folder,
      env: { HOME: folder, PATH: '/usr/bin:/bin' },
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'inherit',
    },
  )
  const responses = linesOf(child.stdout)
  return {
    async ask<A>(question: unknown) {
      await child.stdin.write(`${JSON.stringify(question)}\n`)
      await child.stdin.flush()
      const { value, done } = await responses.next()
      if (done) throw new Error('The program of the other user has ended.')
      return JSON.parse(value) as A
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
