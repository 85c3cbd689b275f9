export interface ProgramOptions {
  readonly cwd?: string
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>
  /** Standard input. */
  readonly input?: string
}

export interface ProgramResult {
  readonly code: number
  /** Standard output. */
  readonly out: string
  /** Standard error. */
  readonly errors: string
}

/** Runs a program until it exits. */
export async function runProgram(
  command: readonly string[],
  { cwd, env = {}, input = '' }: ProgramOptions = {},
): Promise<ProgramResult> {
  const child = Bun.spawn([...command], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdin: Buffer.from(input),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, errors] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { code, out, errors }
}
