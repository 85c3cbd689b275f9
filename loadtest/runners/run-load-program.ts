export interface LoadProgramOptions {
  readonly env: Readonly<Record<string, string>>
  /** Interrupts the program, which then ends in an orderly way. */
  readonly signal: AbortSignal
  /** Whether the output is displayed, on standard error; otherwise it is returned. */
  readonly isShown: boolean
}

/** Runs a program to its end. Returns its exit code, and the last lines of its output if it is not displayed. */
export async function runLoadProgram(
  command: readonly string[],
  { env, signal, isShown }: LoadProgramOptions,
): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([...command], {
    env: { ...process.env, ...env },
    stdin: 'ignore',
    // In a group of its own: a second SIGINT, from the terminal, would end k6 before its summary.
    detached: true,
    // Standard output has the report only.
    stdout: isShown ? 2 : 'pipe',
    stderr: isShown ? 2 : 'pipe',
  })
  const interrupt = () => child.kill('SIGINT')
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', interrupt)
  process.once('exit', kill)
  const streams = [child.stdout, child.stderr].filter((one) => one instanceof ReadableStream)
  const [code, ...texts] = await Promise.all([child.exited, ...streams.map((stream) => stream.text())])
  signal.removeEventListener('abort', interrupt)
  process.off('exit', kill)
  return { code, output: texts.join('').trim().split('\n').slice(-30).join('\n') }
}
